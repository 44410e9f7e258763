#include "graftwork/rewrite/graft.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core {
namespace {

bool same_module(const ModuleRecord& a, const ModuleRecord& b) {
  return a.kind == b.kind && a.attrs == b.attrs && a.params == b.params && a.children == b.children;
}

void take_earlier(Node*& place, Node& at) {
  if (!place || at.before(*place)) place = &at;
}

Outcome too_early(const Node& needed) {
  return declined(cat("the new node would be needed before %", needed.name().str(), " is ready"));
}

}  // namespace

Graft::Graft(GraphModule& module) : module_(module), records_before_(module.modules().size()) {}

Graft::~Graft() { reset(); }

void Graft::reset() noexcept {
  if (!committed_) {
    for (auto at = staged_.rbegin(); at != staged_.rend(); ++at) {
      if (at->node) module_.graph().discard(*at->node);
    }
    module_.modules().truncate(records_before_);
  }
  records_before_ = module_.modules().size();
  staged_.clear();
  replacements_.clear();
  rewired_.clear();
  removals_.clear();
  edits_.clear();
  touched_.clear();
  gone_ = {};
  committed_ = false;
}

Node& Graft::stage(NodeSpec spec, std::span<Node* const> inputs) {
  staged_.push_back({nullptr});
  staged_.back().node = &module_.graph().stage(std::move(spec), inputs);
  return *staged_.back().node;
}

/// Null for a node that is in the graph.
Graft::Staged* Graft::find_staged(const Node& node) {
  if (node.in_order()) return nullptr;
  const auto found = std::lower_bound(staged_.begin(), staged_.end(), node.id().index,
                                      [](const Staged& a, uint32_t id) { return a.node->id().index < id; });
  GRAFTWORK_ASSERT(found != staged_.end() && found->node == &node);
  return &*found;
}

Node& Graft::call_module(ModuleId record, std::span<Node* const> inputs) {
  NodeSpec spec = call_module_spec(module_.modules(), record, inputs);
  spec.origin.module_path = module_.modules()[record].path;
  return stage(std::move(spec), inputs);
}

Node& Graft::call_module(ModuleId record, std::span<Node* const> inputs, Type known) {
  NodeSpec spec;
  spec.kind = NodeKind::kCallModule;
  spec.op = module_.modules()[record].kind;
  spec.module = record;
  spec.type = std::move(known);
  spec.origin.module_path = module_.modules()[record].path;
  return stage(std::move(spec), inputs);
}

Node& Graft::get_item(Node& tuple, int64_t index) {
  Node* const input = &tuple;
  return stage(get_item_spec(tuple, index), std::span(&input, 1));
}

Node& Graft::call_function(Symbol op, std::span<Node* const> inputs, AttrMap attrs, Origin origin) {
  NodeSpec spec = call_function_spec(op, inputs, std::move(attrs), {});
  spec.origin = origin;
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
  module_.modules().edit_new(record).children.emplace_back(role, child);
}

ModuleId Graft::share_record(ModuleRecord record) {
  const ModuleId known = module_.modules().find(record.path);
  if (known && same_module(module_.modules()[known], record)) return known;
  return add_record(std::move(record));
}

ModuleRecord& Graft::edit(ModuleId record) {
  return edits_.try_emplace(record, module_.modules()[record]).first->second;
}

Outcome Graft::replace(Node& old, Node& now) {
  if (!compatible(old.type(), now.type())) {
    return declined(cat("the result would be ", now.type().text(), " instead of ", old.type().text()));
  }
  if (Staged* staged = find_staged(now)) {
    // The old type is what every reader was checked against; the name stays unless the module has its own.
    staged->is_replacement = true;
    if (old.type().is_known()) module_.graph().set_type(now, old.type());
    const Node& source = now.kind() == NodeKind::kGetItem ? now.input(0) : now;
    const bool instance = source.kind() == NodeKind::kCallModule && module_.modules().is_instance(source.module());
    if (!instance && old.kind() != NodeKind::kInput) module_.graph().set_name(now, old.name());
  }
  replacements_.push_back({&old, &now});
  return applied();
}

Outcome Graft::rewire(Node& reader, uint32_t slot, Node& now) {
  GRAFTWORK_ASSERT(reader.in_order() && slot < reader.input_count());
  Node& before = reader.input(slot);
  if (!compatible(before.type(), now.type())) {
    return declined(cat("operand ", slot, " of %", reader.name().str(), " would be ", now.type().text(), " instead of ",
                        before.type().text()));
  }
  rewired_.push_back({&reader, slot, &now, &before});
  return applied();
}

Outcome Graft::remove(Node& node) {
  if (node.uses()) return declined(cat("%", node.name().str(), " is used"));
  removals_.push_back(&node);
  return applied();
}

Outcome Graft::check() {
  if (is_empty()) return declined("it replaces nothing");
  if (Outcome outcome = check_values(); !outcome) return outcome;
  if (Outcome outcome = place_new_nodes(); !outcome) return outcome;
  if (Outcome outcome = check_edits(); !outcome) return outcome;
  name_new_nodes();
  list_touched();
  return applied();
}

/// Whether values that are in the graph stand before their new readers, and no operand gets two.
Outcome Graft::check_values() const {
  const auto too_late = [](const Node& now) {
    return declined(cat("%", now.name().str(), " would be needed before it is ready"));
  };
  for (const auto& [old, now] : replacements_) {
    for (const Use* use = now->in_order() ? old->uses() : nullptr; use; use = use->next()) {
      if (!now->before(*use->user())) return too_late(*now);
    }
  }
  for (const Rewired& wire : rewired_) {
    if (wire.now->in_order() && !wire.now->before(*wire.reader)) return too_late(*wire.now);
    if (is_replaced(*wire.now)) return declined(cat("%", wire.now->name().str(), " is read again and replaced"));
  }
  std::vector<Rewired> by_operand = rewired_;
  const auto operand = [](const Rewired& wire) { return std::pair(wire.reader->id().index, wire.slot); };
  std::sort(by_operand.begin(), by_operand.end(),
            [&](const Rewired& a, const Rewired& b) { return operand(a) < operand(b); });
  for (size_t i = 1; i < by_operand.size(); ++i) {
    const Rewired& wire = by_operand[i];
    if (operand(wire) == operand(by_operand[i - 1]) && wire.now != by_operand[i - 1].now) {
      return declined(cat("operand ", wire.slot, " of %", wire.reader->name().str(), " would read two values"));
    }
  }
  return applied();
}

bool Graft::is_replaced(const Node& node) const {
  return std::any_of(replacements_.begin(), replacements_.end(), [&](const Replacement& r) { return r.old == &node; });
}

/// Where what replaces a value is needed. With one replaced value every input of the new nodes stands before it; with
/// several, the new nodes must stand before the earliest reader of any.
Node* Graft::replacements_place() const {
  if (replacements_.empty()) return nullptr;
  if (replacements_.size() == 1) return replacements_[0].old;
  Node* earliest = nullptr;
  for (const auto& [old, now] : replacements_) {
    for (const Use* use = old->uses(); use; use = use->next()) {
      if (use->user()->in_order()) take_earlier(earliest, *use->user());
    }
  }
  return earliest ? earliest : replacements_[0].old;
}

/// Each stands before what reads it, and those that stand before one node keep their order.
Outcome Graft::place_new_nodes() {
  if (staged_.empty()) return applied();
  Node* const place = replacements_place();
  for (Staged& staged : staged_) staged.place = staged.is_replacement ? place : nullptr;
  for (const Rewired& wire : rewired_) {
    if (Staged* staged = find_staged(*wire.now)) take_earlier(staged->place, *wire.reader);
  }
  for (auto staged = staged_.rbegin(); staged != staged_.rend(); ++staged) {
    for (const Use* use = staged->node->uses(); use; use = use->next()) {
      if (Node* reader_place = find_staged(*use->user())->place) take_earlier(staged->place, *reader_place);
    }
  }
  for (const Staged& staged : staged_) {
    if (!staged.place) continue;
    for (const Use& use : staged.node->inputs()) {
      const Node& input = *use.producer();
      if (!input.in_order()) continue;
      if (!input.before(*staged.place) || is_replaced(input)) return too_early(input);
    }
  }
  for (const Staged& staged : staged_) {
    if (!staged.place) return declined(cat("nothing reads the new ", staged.node->op().str()));
  }
  return applied();
}

Outcome Graft::check_edits() {
  edited_calls_.clear();
  if (edits_.empty()) return applied();
  const ModuleTable& modules = module_.modules();
  for (auto& [id, record] : edits_) {
    GRAFTWORK_ASSERT(record.path == modules[id].path && record.kind == modules[id].kind);
    for (const auto& [role, child] : record.children) {
      if (child.index >= modules.size())
        return declined(cat("part ", role.str(), " of ", record.path.str(), " has no record"));
    }
    module_.modules().admit(record);
  }
  const auto add_call = [&](Node& node) {
    if (node.kind() == NodeKind::kCallModule && calls_edited(node.module())) edited_calls_.push_back(&node);
  };
  for (Node& node : module_.graph().nodes()) add_call(node);
  for (const Staged& staged : staged_) add_call(*staged.node);
  // What follows sees the table as it will be.
  struct Preview {
    Graft& graft;
    explicit Preview(Graft& g) : graft(g) { graft.swap_edits(); }
    ~Preview() { graft.swap_edits(); }
  } const preview(*this);
  std::vector<Type> inputs;
  for (const Node* node : edited_calls_) {
    inputs.clear();
    for (const Use& use : node->inputs()) inputs.push_back(use.producer()->type());
    const Type now = infer_module(module_.record(*node), inputs, modules);
    if (!compatible(node->type(), now)) {
      return declined(cat("%", node->name().str(), " would be ", now.text(), " instead of ", node->type().text()));
    }
  }
  return applied();
}

/// Whether the module or a part of it is changed.
bool Graft::calls_edited(ModuleId record) const {
  if (edits_.contains(record)) return true;
  const auto& children = module_.modules()[record].children;
  return std::any_of(children.begin(), children.end(), [&](const auto& child) { return calls_edited(child.second); });
}

void Graft::swap_edits() noexcept {
  for (auto& [id, record] : edits_) module_.modules().swap(id, record);
}

void Graft::name_new_nodes() {
  Graph& graph = module_.graph();
  for (Staged& staged : staged_) {
    if (!staged.node->name().empty()) continue;
    const Symbol wanted = wanted_name(staged);
    const Symbol name = graph.unique_name(wanted);
    graph.set_name(*staged.node, name);
    if (name != wanted) staged.wanted = wanted;
  }
}

Symbol Graft::wanted_name(const Staged& staged) const {
  const Node& node = *staged.node;
  if (node.kind() == NodeKind::kCallModule) {
    const Symbol path = module_.record(node).path;
    return module_.modules().is_instance(node.module()) ? Symbol(snake_case(path.str())) : path;
  }
  if (node.kind() == NodeKind::kGetItem) {
    const Node& tuple = node.input(0);
    const ResolvedBody* body = tuple.kind() == NodeKind::kCallModule ? module_.record(tuple).body : nullptr;
    const auto index = static_cast<size_t>(node.item_index());
    return cat(tuple.name().str(), "_", body ? body->module.signature().outputs[index].str() : std::to_string(index));
  }
  return std::string(operator_name(node.op()));  // "aten.pad.default" makes %pad
}

void Graft::list_touched() {
  touched_.clear();
  for (const Staged& staged : staged_) touched_.push_back(staged.node);
  for (const auto& [old, now] : replacements_) {
    for (const Use* use = old->uses(); use; use = use->next()) touched_.push_back(use->user());
  }
  for (const Rewired& wire : rewired_) touched_.push_back(wire.reader);
  touched_.insert(touched_.end(), edited_calls_.begin(), edited_calls_.end());
}

void Graft::commit() noexcept {
  Graph& graph = module_.graph();
  for (const Staged& staged : staged_) graph.link_before(*staged.node, *staged.place);
  for (const Rewired& wire : rewired_) graph.set_input(*wire.reader, wire.slot, *wire.now);
  for (const auto& [old, now] : replacements_) graph.replace_all_uses(*old, *now);
  for (const auto& [old, now] : replacements_) graph.erase_unused(*old, gone_);
  for (Node* node : removals_) graph.erase_unused(*node, gone_);
  for (const Rewired& wire : rewired_) graph.erase_unused(*wire.before, gone_);
  for (const Staged& staged : staged_) graph.take_name(*staged.node, staged.wanted);
  swap_edits();
  committed_ = true;
}

void Graft::apply() {
  if (is_empty() && staged_.empty()) return;
  const Outcome outcome = check();
  if (!outcome) throw InternalError("a change of the graph does not fit: " + outcome.reason());
  commit();
}

}  // namespace graftwork::core
