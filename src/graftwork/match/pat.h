// The pattern language. Members of a pattern are its text and its captures:
//
//     Pat x    = any();
//     Pat conv = op("nn.Conv2d")(x);
//     Pat bn   = optional(op("nn.BatchNorm2d"), conv);
//     Pat act  = op(kActivations)(bn);
//
// stretch() is a wildcard with a length: any operators, as few as the rest of the tree leaves to it.
// A Pat used twice is a fork: both places must be the same value. Values inside a match may not be used
// outside it unless their Pat says may_escape(), so a match with one root is always convex.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

class Pat;

/// What the positions of a tree are bound to.
class Bindings {
 public:
  explicit Bindings(std::span<Node* const> nodes) : nodes_(nodes) {}
  /// The node bound to a position. The position must be bound.
  Node& operator[](const Pat& pat) const;
  bool has(const Pat& pat) const;

 private:
  std::span<Node* const> nodes_;
};

/// A condition on a matched node.
using NodeCondition = std::function<bool(const GraphModule&, const Node&)>;
/// A condition on a whole match: what it compares may stand anywhere in the tree.
using MatchCondition = std::function<bool(const GraphModule&, const Bindings&)>;

/// One position of a tree. Copies are the same position.
class Pat {
 public:
  /// The most nodes of a stretch.
  static constexpr uint32_t kMaxStretch = 64;

  /// The value may have users outside the match; its node then stays. For operators, chains and stretches.
  Pat may_escape() const;
  /// Two operands in either order. The first operand's position is tried on the deeper value first:
  /// where both branches could be the trunk, it is the one with the longer path to their common
  /// ancestor (rule F4), then the later one in canonical order.
  Pat commutes() const;
  /// Any number of further inputs behind those that the tree names. For operators.
  Pat and_more_inputs() const;
  /// An additional condition on a node that fits otherwise; `reason` completes "%node: …". An empty reason makes it
  /// part of what to look for: a node that fails it is no near miss. On a chain or stretch it holds for each of its
  /// nodes.
  Pat where(NodeCondition condition, std::string reason) const;
  /// A condition that is asked once everything is bound, if this position is. It must not own this position.
  Pat where(MatchCondition condition, std::string reason) const;
  /// The node's attribute must be present and equal.
  Pat attr(Symbol name, Attribute value) const;

 private:
  friend class Tree;
  friend class Matcher;
  friend class Match;
  friend class Bindings;
  friend class OpPat;
  friend Pat any();
  friend Pat constant();
  friend Pat either(const Pat& first, const Pat& second);
  friend Pat chain(const class OpPat& ops, const Pat& from, uint32_t min, uint32_t max);
  friend Pat stretch(const Pat& from, uint32_t min, uint32_t max);

  enum class Form : uint8_t { kAny, kConstant, kOp, kEither, kChain, kStretch };
  struct Condition {
    NodeCondition holds;
    std::string reason;
  };
  struct WideCondition {
    MatchCondition holds;
    std::string reason;
  };
  struct Position {
    Form form = Form::kAny;
    bool escapes = false;
    bool commutes = false;
    bool open_ended = false;
    std::atomic<int32_t> id = -1;  // index of the binding, set by Tree: always to the same number
    uint32_t min = 0, max = 0;     // kChain, kStretch
    std::vector<Symbol> ops;       // kOp, kChain
    std::vector<Pat> operands;
    std::vector<Condition> conditions;
    std::vector<WideCondition> wide_conditions;
  };
  explicit Pat(Form form);
  std::shared_ptr<Position> position_;
};

/// Operators that a position admits; apply it to operand positions to get a Pat.
class OpPat {
 public:
  explicit OpPat(std::vector<Symbol> ops) : ops_(std::move(ops)) {}

  template <class... Operands>
  Pat operator()(const Operands&... operands) const {
    return on({operands...});
  }
  /// The same, for operands that are counted at run time only.
  Pat on(std::vector<Pat> operands) const;

 private:
  friend Pat chain(const OpPat& ops, const Pat& from, uint32_t min, uint32_t max);
  std::vector<Symbol> ops_;
};

/// Any value.
Pat any();
/// A constant of the graph (a parameter, a buffer, a folded value).
Pat constant();
OpPat op(Symbol name);
OpPat op(std::span<const Symbol> names);
OpPat op(std::initializer_list<Symbol> names);
/// The first alternative with which the tree matches; the longer one goes first.
Pat either(const Pat& first, const Pat& second);
/// `ops(from)`, or `from` itself.
Pat optional(const OpPat& ops, const Pat& from);
/// Between min and max nodes with one input each, one behind the other, ending at `from`; the most with which the tree
/// matches.
Pat chain(const OpPat& ops, const Pat& from, uint32_t min, uint32_t max);
/// Between min and max nodes of any operators, one behind the other, ending at `from`; the fewest with which the tree
/// matches. Each has one input, constants aside. They belong to the match. max is at most Pat::kMaxStretch.
Pat stretch(const Pat& from, uint32_t min, uint32_t max);

}  // namespace graftwork::core
