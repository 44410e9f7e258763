// A staged change of a graph and of its module records.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "graftwork/base/outcome.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Collects new nodes, new and changed module records, replacements and rewired operands; commits all of them or none.
/// Until commit() the network is what it was; the destructor drops what was not committed. Nothing but grafts changes a
/// network that is built.
class Graft {
 public:
  explicit Graft(GraphModule& module);
  ~Graft();
  Graft(const Graft&) = delete;
  Graft& operator=(const Graft&) = delete;

  const GraphModule& module() const { return module_; }

  /// Drops what was not committed; then ready for another change.
  void reset() noexcept;

  /// New nodes. Their types are inferred: throws Error "ir.shape" when the inputs do not fit. They have no name before
  /// check(): one that replaces a value takes its name, the others are named after their module or operator, with a
  /// number where a node has that name.
  Node& call_module(ModuleId record, std::span<Node* const> inputs);
  Node& call_module(ModuleId record, std::initializer_list<Node*> inputs) {
    return call_module(record, std::span(inputs));
  }
  /// A call whose result's type is known: that of a value which it replaces.
  Node& call_module(ModuleId record, std::span<Node* const> inputs, Type known);
  /// Element `index` of a new node's tuple. Where the tuple is that of a new kernel's results, its name is
  /// "<node>_<result>".
  Node& get_item(Node& tuple, int64_t index);
  Node& call_function(Symbol op, std::span<Node* const> inputs, AttrMap attrs, Origin origin = {});
  Node& call_function(Symbol op, std::initializer_list<Node*> inputs, AttrMap attrs, Origin origin = {}) {
    return call_function(op, std::span(inputs), std::move(attrs), origin);
  }

  /// A new record; the path is made unique.
  ModuleId add_record(ModuleRecord record);
  /// A new record named after its kind: "FusedConvBN_0". The node that calls it and replaces another gets the
  /// snake-case name.
  ModuleId add_instance(ModuleRecord record);
  /// Gives a record that this graft has added one more child.
  void add_child(ModuleId record, Symbol role, ModuleId child);
  /// The record at `record.path` when it is exactly this module already (a module that is called
  /// again), else a new one.
  ModuleId share_record(ModuleRecord record);
  /// A copy of the record to change; it takes the record's place at commit(), for every node that calls the module.
  /// Path and kind must stay. One copy a graft: later calls return the same. Valid until reset().
  ModuleRecord& edit(ModuleId record);

  /// Every user of `old` will read `now`; `old`, and what only it needed, goes. Declines when the result's type would
  /// change.
  Outcome replace(Node& old, Node& now);
  /// One operand of a node that is in the graph will read `now`. What nothing reads then goes. Declines when the
  /// operand's type would change.
  Outcome rewire(Node& reader, uint32_t slot, Node& now);
  /// `node`, which nothing uses, goes, and what only it needed.
  Outcome remove(Node& node);

  /// Whether the staged nodes can stand where their values are needed, and whether the changed records are sound: their
  /// attributes and parts, and the types of the nodes that call them. O(size of the change), with edits O(nodes).
  Outcome check();
  /// Carries the change out. Requires check(). Never throws, allocates nothing, never leaves half a change.
  void commit() noexcept;
  /// check() and commit(), for a change that must be possible, or none: throws InternalError when it is not.
  void apply();
  /// After commit(), calls `visit(node)` for every new node, every user of a replaced value, every rewired reader,
  /// every node that calls a changed record, and every value that lost a user.
  template <class Visit>
  void visit_touched(Visit&& visit) const {
    for (Node* node : touched_) visit(*node);
    gone_.for_each([&](const Node& erased) {
      for (const Use& use : erased.inputs()) {
        if (use.producer()->alive()) visit(*use.producer());
      }
    });
  }

 private:
  struct Staged {
    Node* node;
    Node* place = nullptr;  // stands before this node, once check() has found it
    Symbol wanted = {};     // the name to have if the node that has it goes
    bool is_replacement = false;
  };
  struct Replacement {
    Node* old;
    Node* now;
  };
  struct Rewired {
    Node* reader;
    uint32_t slot;
    Node* now;
    Node* before;  // what the operand read
  };

  bool is_empty() const { return replacements_.empty() && rewired_.empty() && removals_.empty() && edits_.empty(); }
  Node& stage(NodeSpec spec, std::span<Node* const> inputs);
  Staged* find_staged(const Node& node);
  Node* replacements_place() const;
  bool is_replaced(const Node& node) const;
  Outcome check_values() const;
  Outcome place_new_nodes();
  Outcome check_edits();
  bool calls_edited(ModuleId record) const;
  void swap_edits() noexcept;
  void name_new_nodes();
  Symbol wanted_name(const Staged& staged) const;
  void list_touched();

  GraphModule& module_;
  size_t records_before_;
  std::vector<Staged> staged_;  // each behind those that it reads
  std::vector<Replacement> replacements_;
  std::vector<Rewired> rewired_;
  std::vector<Node*> removals_;
  std::map<ModuleId, ModuleRecord> edits_;
  std::vector<Node*> edited_calls_;
  std::vector<Node*> touched_;
  ErasedNodes gone_;
  bool committed_ = false;
};

}  // namespace graftwork::core
