// A staged change of a graph.
#pragma once

#include <span>
#include <vector>

#include "graftwork/base/outcome.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork {

/// Collects new nodes, new module records and replacements; commits all of them or none. Until
/// commit() the network is what it was; the destructor drops what was not committed.
class Graft {
 public:
  explicit Graft(GraphModule& module);
  ~Graft();
  Graft(const Graft&) = delete;
  Graft& operator=(const Graft&) = delete;

  const GraphModule& module() const { return module_; }

  /// Drops what was not committed; then ready for another change.
  void reset() noexcept;

  /// New nodes. Their types are inferred: throws Error "ir.shape" when the inputs do not fit.
  Node& call_module(ModuleId record, std::span<Node* const> inputs);
  Node& call_module(ModuleId record, std::initializer_list<Node*> inputs) {
    return call_module(record, std::span(inputs));
  }
  /// A call whose result's type is known: that of a value which it replaces.
  Node& call_module(ModuleId record, std::span<Node* const> inputs, Type known);
  /// Element `index` of a new node's tuple; its name is `<node>_<result>`.
  Node& get_item(Node& tuple, int64_t index, Symbol result);
  Node& call_function(Symbol op, std::span<Node* const> inputs, AttrMap attrs);
  Node& call_function(Symbol op, std::initializer_list<Node*> inputs, AttrMap attrs) {
    return call_function(op, std::span(inputs), std::move(attrs));
  }

  /// A new record; the path is made unique.
  ModuleId add_record(ModuleRecord record);
  /// A new record named after its kind: "FusedConvBN_0". The node that calls it gets the snake-case name.
  ModuleId add_instance(ModuleRecord record);
  /// Gives a new record one more child.
  void add_child(ModuleId record, Symbol role, ModuleId child);
  /// The record at `record.path` when it is exactly this module already (a module that is called
  /// again), else a new one.
  ModuleId share_record(ModuleRecord record);

  /// Every user of `old` will read `now`; `old`, and what only it needed, goes. Declines when the result's type would
  /// change.
  Outcome replace(Node& old, Node& now);
  /// `node`, which nothing uses, goes, and what only it needed.
  Outcome remove(Node& node);

  /// Whether the staged nodes can stand where the replaced values are needed.
  Outcome check() const;
  /// Carries the change out. Requires check(). Calls `touched(node)` for every new node, every user of a replaced
  /// value, and every value that lost a user. Never throws, never leaves half a change.
  template <class Touched>
  void commit(Touched&& touched) noexcept {
    for (Node* node : staged_) touched(*node);
    for (const auto& [old, now] : replacements_) {
      for (const Use* use = old->uses(); use; use = use->next()) touched(*use->user());
    }
    commit_changes();
    for (Node* node : freed_) {
      if (node->alive()) touched(*node);
    }
  }

 private:
  Node& stage(NodeSpec spec, std::span<Node* const> inputs);
  Symbol instance_name(ModuleId record) const;
  Node& insertion_point() const;
  void commit_changes() noexcept;
  void erase_unused(Node& node) noexcept;

  GraphModule& module_;
  size_t records_before_;
  std::vector<Node*> staged_;
  std::vector<std::pair<Node*, Node*>> replacements_;
  std::vector<Node*> removals_;
  std::vector<Node*> doomed_;  // scratch of erase_unused, reserved while staging
  std::vector<Node*> freed_;   // what erased nodes read
  bool committed_ = false;
};

}  // namespace graftwork
