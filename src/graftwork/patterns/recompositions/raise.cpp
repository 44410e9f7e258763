#include "graftwork/patterns/recompositions/raise.h"

#include <limits>

#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {

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
  if (value->get<InputRef>()) return std::numeric_limits<double>::quiet_NaN();
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

void set_attr(ModuleRecord& record, Symbol attr, Attribute value) {
  if (const auto& fallback = KindTable::torch()->at(record.kind).attr(attr)->default_value; fallback == value) {
    record.attrs.erase(attr);
  } else {
    record.attrs.set(attr, std::move(value));
  }
}

Outcome copy_attr(ModuleRecord& record, Symbol attr, const Node& node) {
  const AttrForm& form = KindTable::torch()->at(record.kind).attr(attr)->form;
  const Attribute* value = node.attrs().find(attr);
  if (!value || value->is_none()) return applied();
  if (value->get<InputRef>()) return declined(cat("its ", attr.str(), " is computed in the graph"));
  if (!form.admits(*value)) return declined(cat("its ", attr.str(), " is ", value->text()));
  // A whole number is written as one that is not.
  set_attr(record, attr, form.type == AttrForm::Type::kNumber ? Attribute(number_of(node, attr, 0)) : *value);
  return applied();
}

Outcome bind_params(const Node& node, std::initializer_list<Symbol> names, ModuleRecord& record) {
  size_t slot = 1;
  for (const Symbol name : names) {
    const Attribute* absent = node.attrs().find(name);
    if ((absent && absent->is_none()) || slot >= node.input_count()) continue;
    const ParamExpr* expr = parameter_input(node, slot++);
    if (!expr) return declined(cat("its ", name.str(), " is computed in the graph"));
    record.set_param(name, *expr);
  }
  return applied();
}

Outcome raise_to(Graft& graft, Node& old, ModuleRecord record, std::initializer_list<Node*> inputs) {
  return graft.replace(old, graft.call_module(graft.share_record(std::move(record)), inputs));
}

}  // namespace graftwork::core
