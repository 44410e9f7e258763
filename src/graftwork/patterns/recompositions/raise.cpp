#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork {

std::optional<std::vector<int64_t>> integers_of(const Node& node, Symbol attr, size_t count, int64_t fallback) {
  const Attribute* value = node.attrs().find(attr);
  if (!value) return std::vector<int64_t>(count, fallback);
  if (const int64_t* one = value->get<int64_t>()) return std::vector<int64_t>(count, *one);
  const auto* many = value->get<std::vector<int64_t>>();
  if (!many) return std::nullopt;
  if (many->empty()) return std::vector<int64_t>(count, fallback);
  if (many->size() == 1) return std::vector<int64_t>(count, many->front());
  if (many->size() != count) return std::nullopt;
  return *many;
}

double number_of(const Node& node, Symbol attr, double fallback) {
  const Attribute* value = node.attrs().find(attr);
  if (!value) return fallback;
  if (const double* real = value->get<double>()) return *real;
  const int64_t* whole = value->get<int64_t>();
  return whole ? static_cast<double>(*whole) : fallback;
}

int64_t integer_of(const Node& node, Symbol attr, int64_t fallback) {
  const Attribute* value = node.attrs().find(attr);
  const int64_t* whole = value ? value->get<int64_t>() : nullptr;
  return whole ? *whole : fallback;
}

bool flag_of(const Node& node, Symbol attr, bool fallback) {
  const Attribute* value = node.attrs().find(attr);
  const bool* flag = value ? value->get<bool>() : nullptr;
  return flag ? *flag : fallback;
}

const ParamExpr* parameter_input(const Node& node, size_t slot) {
  if (slot >= node.input_count() || node.input(slot).kind() != NodeKind::kConstant) return nullptr;
  return &node.input(slot).constant();
}

ModuleRecord module_at(const Node& node, Symbol kind) {
  ModuleRecord record;
  record.path = node.origin().module_path.empty() ? node.name() : node.origin().module_path;
  record.kind = kind;
  return record;
}

Outcome raise_to(Graft& graft, Node& old, ModuleRecord record, std::initializer_list<Node*> inputs) {
  return graft.replace(old, graft.call_module(graft.share_record(std::move(record)), inputs));
}

}  // namespace graftwork
