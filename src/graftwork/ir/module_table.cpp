#include "graftwork/ir/module_table.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {
namespace {

constexpr uint32_t kLargestModule = 4096;

}  // namespace

const ParamExpr* ModuleRecord::param(Symbol name) const {
  for (const auto& [param_name, expr] : params) {
    if (param_name == name) return &expr;
  }
  return nullptr;
}

ModuleId ModuleRecord::child(Symbol role) const {
  for (const auto& [child_role, id] : children) {
    if (child_role == role) return id;
  }
  return {};
}

void ModuleRecord::set_param(Symbol name, ParamExpr value) {
  for (auto& [param_name, expr] : params) {
    if (param_name == name) {
      expr = std::move(value);
      return;
    }
  }
  params.emplace_back(name, std::move(value));
}

ModuleTable::ModuleTable(std::shared_ptr<const KindTable> kinds) : kinds_(std::move(kinds)) {}
ModuleTable::ModuleTable() : ModuleTable(KindTable::torch()) {}

void ModuleTable::use_kinds(std::shared_ptr<const KindTable> kinds) {
  kinds_ = kinds->includes(*kinds_) ? std::move(kinds) : kinds->with(*kinds_);
  for (ModuleRecord& record : records_) record.has_low_precision = bool(kinds_->has_low_precision_kernel(record));
}

size_t ModuleTable::body_count() const {
  size_t count = 0;
  for (const auto& [kind, bodies] : bodies_) count += bodies.size();
  return count;
}

const ResolvedBody* ModuleTable::body_of(const ModuleRecord& record) {
  const Kind& kind = kinds_->at(record.kind);
  if (!kind.body) return nullptr;
  // Quantizers are no parts: modules that differ in them alone share a body.
  const auto kind_of = [this](ModuleId child) { return records_[child.index].kind; };
  const auto is_part = [&](ModuleId child) { return kinds_->at(kind_of(child)).family != Family::kQuant; };
  std::vector<SharedBody>& known = bodies_[record.kind];
  const auto is_same = [&](const SharedBody& shared) {
    size_t next = 0;
    for (const auto& [role, child] : record.children) {
      if (!is_part(child)) continue;
      if (next == shared.parts.size() || shared.parts[next] != std::pair(role, kind_of(child))) return false;
      ++next;
    }
    return next == shared.parts.size();
  };
  if (const auto found = std::find_if(known.begin(), known.end(), is_same); found != known.end())
    return found->body.get();
  std::vector<std::pair<Symbol, Symbol>> parts;
  for (const auto& [role, child] : record.children) {
    if (is_part(child)) parts.emplace_back(role, kind_of(child));
  }
  std::shared_ptr<const ResolvedBody> body = resolve_body(kind, parts, *kinds_);
  known.push_back({std::move(parts), std::move(body)});
  return known.back().body.get();
}

void ModuleTable::admit(ModuleRecord& record) {
  check_attributes(record, *kinds_);
  record.body = body_of(record);
  record.size = size_of(record);
  record.has_low_precision = bool(kinds_->has_low_precision_kernel(record));
}

/// Parts may be shared, so that few lines of text could stand for any amount of work.
uint32_t ModuleTable::size_of(const ModuleRecord& record) const {
  if (!record.body) return 1;
  uint32_t size = 0;
  for (const Node& node : record.body->module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallPart) size += records_[record.child(node.role()).index].size;
    if (node.kind() == NodeKind::kCallFunction) ++size;
    if (size > kLargestModule) {
      throw Error("ir.parts", cat("@", record.path.str(), " runs more than ", kLargestModule, " modules and operators"),
                  "several modules");
    }
  }
  return size;
}

ModuleId ModuleTable::add(ModuleRecord record) {
  admit(record);
  ModuleId& entry = by_path_[record.path];
  GRAFTWORK_ASSERT(!entry);
  const ModuleId id{static_cast<uint32_t>(records_.size())};
  ++counts_[record.kind];
  records_.push_back(std::move(record));
  entry = id;
  return id;
}

void ModuleTable::swap(ModuleId id, ModuleRecord& record) noexcept { std::swap(records_[id.index], record); }

ModuleId ModuleTable::find(Symbol path) const { return by_path_.get(path); }

void ModuleTable::truncate(size_t size) noexcept {
  while (records_.size() > size) {
    *by_path_.find(records_.back().path) = {};
    --*counts_.find(records_.back().kind);
    records_.pop_back();
  }
}

Symbol ModuleTable::fresh_path(Symbol kind) const {
  for (size_t number = counts_.get(kind);; ++number) {
    const Symbol path = cat(kind.str(), "_", number);
    if (!find(path)) return path;
  }
}

bool ModuleTable::is_instance(ModuleId id) const {
  const std::string& path = records_[id.index].path.str();
  const std::string& kind = records_[id.index].kind.str();
  return path.size() > kind.size() && path[kind.size()] == '_' && path.starts_with(kind);
}

Symbol ModuleTable::unique_path(Symbol path) const {
  Symbol candidate = path;
  for (size_t k = 1; find(candidate); ++k) candidate = cat(path.str(), "_", k);
  return candidate;
}

}  // namespace graftwork::core
