// The graph of operators: nodes in an arena, values, uses, order.
//
// Rules that hold at every moment (ir/verify.h checks them):
//  - the graph is functional and acyclic; the list order is a topological order;
//  - a node's address stays valid for the life of the graph: erased nodes are tombstones;
//  - one value per node; operators with several results give a tuple, read by get_item nodes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "graftwork/base/symbol.h"
#include "graftwork/ir/attribute.h"
#include "graftwork/ir/module_table.h"
#include "graftwork/ir/node_names.h"
#include "graftwork/ir/param_expr.h"
#include "graftwork/ir/type.h"

namespace graftwork::core {

class Graft;
class Graph;
class Node;

/// kCallPart stands in bodies only (ir/body.h).
enum class NodeKind : uint8_t { kInput, kConstant, kCallModule, kCallPart, kCallFunction, kGetItem, kOutput };

/// One operand slot of `user`. Member of its value's intrusive use list, so adding and removing are O(1).
class Use {
 public:
  /// The node that produces the operand; of an erased user, the node that did.
  Node* producer() const { return producer_; }
  Node* user() const { return user_; }
  /// Position among the user's inputs.
  inline uint32_t slot() const;
  /// The next use of the same value.
  Use* next() const { return next_; }

 private:
  friend class Node;
  friend class Graph;
  Node* producer_ = nullptr;
  Node* user_ = nullptr;
  Use* next_ = nullptr;
  Use** link_ = nullptr;
};

/// Where a node comes from; for names, reports and errors.
struct Origin {
  Symbol module_path;  ///< "layer1.0.conv1"; in a body the role of a part.
  Symbol source;       ///< "model.py:88", when known
};

/// Refers to a node from outside a pass: Graph::find knows whether it is still there.
struct NodeId {
  uint32_t index = UINT32_MAX;
  friend bool operator==(const NodeId&, const NodeId&) = default;
};

/// A node and the value that it produces. Never copied, never moved.
class alignas(64) Node {
 public:
  NodeKind kind() const { return kind_; }
  /// Kind name for call_module ("nn.Conv2d"), schema name for call_function ("aten.add.Tensor"); for call_part "part",
  /// or the part's kind where that is known; for the others "input", "constant", "get_item", "output".
  Symbol op() const { return op_; }
  /// Only for call_module.
  ModuleId module() const { return module_; }
  /// Only for constants.
  const ParamExpr& constant() const;
  /// Element of the tuple that a get_item reads.
  int64_t item_index() const;
  /// Role of the part that a call_part calls.
  Symbol role() const { return origin_.module_path; }

  std::span<const Use> inputs() const { return {inputs_, input_count_}; }
  size_t input_count() const { return input_count_; }
  /// Throws Error "ir.input" when there is no such input: a call of a file may read less than it should.
  Node& input(size_t slot) const {
    if (slot >= input_count_) no_such_input(slot);
    return *inputs_[slot].producer();
  }

  /// First use of the value; follow Use::next. Newest use first.
  const Use* uses() const { return first_use_; }
  size_t use_count() const { return use_count_; }

  const AttrMap& attrs() const { return attrs_; }
  const Type& type() const { return type_; }
  /// Shape and element type; null unless the value is a tensor.
  const TensorType* tensor() const { return type_.tensor(); }
  Symbol name() const { return name_; }
  const Origin& origin() const { return origin_; }
  NodeId id() const { return id_; }

  bool alive() const { return alive_; }
  /// False while a graft holds the node and has not put it into the graph.
  bool in_order() const { return next_ != nullptr; }
  /// Whether this node stands before `other` in the graph's order. O(1).
  bool before(const Node& other) const { return label_ < other.label_; }
  /// What a graft put in this erased node's place; this node itself while it lives. Null when it was
  /// erased without replacement.
  Node* resolve();
  Node* next() const { return next_; }

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() {
    if (inputs_ != few_inputs_.data()) delete[] inputs_;
  }

 private:
  friend class Use;
  friend class Graph;
  friend class ErasedNodes;

 public:
  /// Use Graph to create nodes; public only because containers construct in place.
  explicit Node(NodeKind kind) : kind_(kind) { inputs_ = few_inputs_.data(); }

 private:
  [[noreturn]] void no_such_input(size_t slot) const;

  static constexpr size_t kInlineInputs = 2;

  // What walking the graph and matching read comes first, in one cache line; three hold it all.
  NodeKind kind_;
  bool alive_ = true;
  uint32_t input_count_ = 0;
  uint32_t use_count_ = 0;
  Symbol op_;
  Symbol name_;
  ModuleId module_;
  NodeId id_;
  Node* next_ = nullptr;
  Use* inputs_;  // owned where there are more than kInlineInputs
  Use* first_use_ = nullptr;
  uint64_t label_ = 0;
  std::array<Use, kInlineInputs> few_inputs_;
  Node* prev_ = nullptr;  // of an erased node, the next of its ErasedNodes
  Node* replacement_ = nullptr;
  Type type_;
  AttrMap attrs_;
  Origin origin_;
  std::unique_ptr<ParamExpr> constant_;
};

static_assert(sizeof(Node) <= 3 * size_t{64}, "a graph waits for memory: see docs/decisions/counted-values.md");

uint32_t Use::slot() const { return static_cast<uint32_t>(this - user_->inputs_); }

/// What it calls and where it comes from, for errors: "%y = aten.relu.default in layer1.relu (model.py:88)".
std::string place_of(const Node& node);

/// Iterates over live nodes in order. `next` is read late: erasing any node, the current one too, is
/// safe, and nodes inserted behind the current one are visited.
class NodeIterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Node;
  using difference_type = std::ptrdiff_t;
  using pointer = Node*;
  using reference = Node&;

  NodeIterator() = default;
  explicit NodeIterator(Node* node) : node_(node) {}
  Node& operator*() const { return *node_; }
  Node* operator->() const { return node_; }
  NodeIterator& operator++();
  NodeIterator operator++(int) {
    const NodeIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const NodeIterator&, const NodeIterator&) = default;

 private:
  Node* node_ = nullptr;
};

struct NodeRange {
  NodeIterator first;
  NodeIterator last;
  NodeIterator begin() const { return first; }
  NodeIterator end() const { return last; }
};

/// Erased nodes, in the order in which they went. The list runs through the nodes: erasing allocates nothing.
class ErasedNodes {
 public:
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Node* node = first_; node; node = node->prev_) visit(*node);
  }
  void append(Node& erased) noexcept {
    erased.prev_ = nullptr;
    (last_ ? last_->prev_ : first_) = &erased;
    last_ = &erased;
  }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

/// What a new node is, before it has a place. `type` may be unknown.
struct NodeSpec {
  NodeKind kind = NodeKind::kCallFunction;
  Symbol op;
  Symbol name;
  ModuleId module;
  AttrMap attrs;
  Type type;
  std::optional<ParamExpr> constant;
  Origin origin;
};

/// Owns the nodes. Builders (importers, the parser) append; grafts (rewrite/graft.h) change. Nothing else mutates.
class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Live nodes in topological order.
  NodeRange nodes() const;
  /// Live nodes, the output included.
  size_t size() const { return live_; }
  /// One more than the largest index of a NodeId.
  size_t capacity() const { return arena_.size(); }
  /// Graph inputs in signature order.
  std::vector<Node*> inputs() const;
  /// The node whose inputs are the results; null until it is appended.
  Node* output() const { return output_; }
  /// Null when the node was erased.
  Node* find(NodeId id) const;

  /// Creates a node behind all others. O(inputs).
  Node& append(NodeSpec spec, std::span<Node* const> inputs);

 private:
  friend class Graft;
  friend struct GraphTestAccess;

  /// Creates a node that is in no order yet: `link_before` or `discard` must follow.
  Node& stage(NodeSpec spec, std::span<Node* const> inputs);
  /// Gives a staged node its place. O(1) amortised O(log n).
  void link_before(Node& staged, Node& at) noexcept;
  void discard(Node& staged) noexcept;
  /// Makes every user of `old` read `now`. O(uses).
  void replace_all_uses(Node& old, Node& now) noexcept;
  /// Replaces one operand.
  void set_input(Node& node, size_t slot, Node& producer) noexcept;
  /// Requires that nothing uses the node. It stays as a tombstone.
  void erase(Node& node) noexcept;
  /// Erases the node unless something uses it, and what only it needed; appends them to `gone`. Inputs and outputs of
  /// the graph stay.
  void erase_unused(Node& node, ErasedNodes& gone) noexcept;
  void set_type(Node& node, Type type) { node.type_ = std::move(type); }
  void set_name(Node& node, Symbol name);
  /// `wanted`, or `wanted_1`, `wanted_2`, ... when a node has that name. The first question is O(nodes), each that
  /// follows O(1) amortised.
  Symbol unique_name(Symbol wanted);
  /// Gives a node that unique_name() has given another name the one that was wanted, if it is free now. An empty one is
  /// wanted by none.
  void take_name(Node& node, Symbol wanted) noexcept;

  Node& create(NodeSpec&& spec, std::span<Node* const> inputs);
  static bool is_needed(const Node& node);
  void attach(Use& use, Node& producer) noexcept;
  void detach(Use& use) noexcept;
  void relabel(Node& around) noexcept;

  std::pmr::unsynchronized_pool_resource memory_;  // keeps neighbours in the order near one another
  std::pmr::deque<Node> arena_{&memory_};
  Node head_{NodeKind::kInput};  // sentinels of the order
  Node tail_{NodeKind::kOutput};
  Node* output_ = nullptr;
  size_t live_ = 0;
  std::unique_ptr<NodeNames> names_;  // once unique_name() was asked
};

}  // namespace graftwork::core
