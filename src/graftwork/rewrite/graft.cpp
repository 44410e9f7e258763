#include "graftwork/rewrite/graft.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {
namespace {

bool same_module(const ModuleRecord& a, const ModuleRecord& b) {
  return a.kind == b.kind && a.attrs == b.attrs && a.params == b.params && a.children == b.children;
}

}  // namespace

Graft::Graft(GraphModule& module) : module_(module), records_before_(module.modules().size()) {}

Graft::~Graft() { reset(); }

void Graft::reset() noexcept {
  if (!committed_) {
    for (auto at = staged_.rbegin(); at != staged_.rend(); ++at) {
      if (*at) module_.graph().discard(**at);
    }
    module_.modules().truncate(records_before_);
  }
  records_before_ = module_.modules().size();
  staged_.clear();
  replacements_.clear();
  removals_.clear();
  freed_.clear();
  committed_ = false;
}

Node& Graft::stage(NodeSpec spec, std::span<Node* const> inputs) {
  staged_.push_back(nullptr);
  staged_.back() = &module_.graph().stage(std::move(spec), inputs);
  return *staged_.back();
}

Node& Graft::call_module(ModuleId record, std::span<Node* const> inputs) {
  NodeSpec spec = call_module_spec(module_.modules(), record, inputs);
  spec.origin.module_path = module_.modules()[record].path;
  spec.name = instance_name(record);
  return stage(std::move(spec), inputs);
}

Node& Graft::call_module(ModuleId record, std::span<Node* const> inputs, Type known) {
  NodeSpec spec;
  spec.kind = NodeKind::kCallModule;
  spec.op = module_.modules()[record].kind;
  spec.module = record;
  spec.type = std::move(known);
  spec.origin.module_path = module_.modules()[record].path;
  spec.name = instance_name(record);
  return stage(std::move(spec), inputs);
}

Symbol Graft::instance_name(ModuleId record) const {
  const Symbol path = module_.modules()[record].path;
  return module_.modules().is_instance(record) ? Symbol(snake_case(path.str())) : path;
}

Node& Graft::get_item(Node& tuple, int64_t index, Symbol result) {
  NodeSpec spec = get_item_spec(tuple, index);
  spec.name = cat(tuple.name().str(), "_", result.str());
  Node* const input = &tuple;
  return stage(std::move(spec), std::span(&input, 1));
}

Node& Graft::call_function(Symbol op, std::span<Node* const> inputs, AttrMap attrs) {
  NodeSpec spec = call_function_spec(op, inputs, std::move(attrs), {});
  const std::string& schema = op.str();  // "aten.pad.default" makes %pad
  const size_t begin = schema.find('.') + 1;
  spec.name = schema.substr(begin, schema.find('.', begin) - begin);
  return stage(std::move(spec), inputs);
}

ModuleId Graft::add_record(ModuleRecord record) {
  record.path = module_.modules().unique_path(record.path);
  return module_.modules().add(std::move(record));
}

ModuleId Graft::add_instance(ModuleRecord record) {
  record.path = module_.modules().fresh_path(record.kind);
  return module_.modules().add(std::move(record));
}

void Graft::add_child(ModuleId record, Symbol role, ModuleId child) {
  GRAFTWORK_ASSERT(record.index >= records_before_);
  module_.modules().edit(record).children.emplace_back(role, child);
}

ModuleId Graft::share_record(ModuleRecord record) {
  const ModuleId known = module_.modules().find(record.path);
  if (known && same_module(module_.modules()[known], record)) return known;
  return add_record(std::move(record));
}

Outcome Graft::replace(Node& old, Node& now) {
  if (!compatible(old.type(), now.type())) {
    return declined(cat("the result would be ", now.type().text(), " instead of ", old.type().text()));
  }
  const bool is_new = std::find(staged_.begin(), staged_.end(), &now) != staged_.end();
  if (is_new) {
    // The old type is what every reader was checked against; the name stays unless the module has its own.
    if (old.type().is_known()) module_.graph().set_type(now, old.type());
    const Node& source = now.kind() == NodeKind::kGetItem ? now.input(0) : now;
    const bool instance = source.kind() == NodeKind::kCallModule && module_.modules().is_instance(source.module());
    if (!instance) module_.graph().set_name(now, old.name());
  }
  replacements_.emplace_back(&old, &now);
  doomed_.reserve(replacements_.size() + removals_.size());
  return applied();
}

Outcome Graft::remove(Node& node) {
  if (node.uses()) return declined(cat("%", node.name().str(), " is used"));
  removals_.push_back(&node);
  doomed_.reserve(replacements_.size() + removals_.size());
  return applied();
}

Node& Graft::insertion_point() const {
  // With one replaced value every input of the new nodes stands before it. With several, the new nodes
  // must stand before the earliest reader of any.
  if (replacements_.size() == 1) return *replacements_[0].first;
  Node* earliest = nullptr;
  for (const auto& [old, now] : replacements_) {
    for (const Use* use = old->uses(); use; use = use->next()) {
      if (!earliest || use->user()->before(*earliest)) earliest = use->user();
    }
  }
  return earliest ? *earliest : *replacements_[0].first;
}

Outcome Graft::check() const {
  if (replacements_.empty() && removals_.empty()) return declined("it replaces nothing");
  for (const auto& [old, now] : replacements_) {
    const bool is_new = std::find(staged_.begin(), staged_.end(), now) != staged_.end();
    for (const Use* use = is_new ? nullptr : old->uses(); use; use = use->next()) {
      if (!now->before(*use->user())) {
        return declined(cat("%", now->name().str(), " would be needed before it is ready"));
      }
    }
  }
  if (staged_.empty()) return applied();
  if (replacements_.empty()) return declined("its new nodes replace nothing");
  const Node& at = insertion_point();
  for (const Node* node : staged_) {
    for (const Use& use : node->inputs()) {
      const bool is_new = std::find(staged_.begin(), staged_.end(), use.producer()) != staged_.end();
      if (!is_new && !use.producer()->before(at)) {
        return declined(cat("the new node would be needed before %", use.producer()->name().str(), " is ready"));
      }
    }
  }
  return applied();
}

void Graft::commit_changes() noexcept {
  Graph& graph = module_.graph();
  if (!staged_.empty()) {
    Node& at = insertion_point();
    for (Node* node : staged_) graph.link_before(*node, at);
  }
  for (const auto& [old, now] : replacements_) graph.replace_all_uses(*old, *now);
  for (const auto& [old, now] : replacements_) erase_unused(*old);
  for (Node* node : removals_) erase_unused(*node);
  committed_ = true;
}

void Graft::erase_unused(Node& node) noexcept {
  // Should this list fail to grow, the process ends (noexcept): never half a graph.
  doomed_.clear();
  doomed_.push_back(&node);
  while (!doomed_.empty()) {
    Node* at = doomed_.back();
    doomed_.pop_back();
    if (!at->alive() || at->uses() || at->kind() == NodeKind::kInput || at->kind() == NodeKind::kOutput) continue;
    const size_t first = doomed_.size();
    for (const Use& use : at->inputs()) doomed_.push_back(use.producer());
    freed_.insert(freed_.end(), doomed_.begin() + static_cast<std::ptrdiff_t>(first), doomed_.end());
    module_.graph().erase(*at);
    std::reverse(doomed_.begin() + static_cast<std::ptrdiff_t>(first), doomed_.end());
  }
}

}  // namespace graftwork
