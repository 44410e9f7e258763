// Finds a tree at a node.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "graftwork/ir/canonical_order.h"
#include "graftwork/match/match_budget.h"
#include "graftwork/match/tree.h"

namespace graftwork::core {

/// The bindings of one successful match.
class Match {
 public:
  /// `memory` must outlive the match.
  explicit Match(std::pmr::memory_resource* memory = std::pmr::get_default_resource()) : found_(memory) {}

  Bindings bindings() const { return Bindings(std::span(found_).first(bound_count_)); }
  /// The node bound to a position. The position must be bound.
  Node& operator[](const Pat& pat) const { return bindings()[pat]; }
  bool has(const Pat& pat) const { return bindings().has(pat); }
  /// Nodes of a chain or stretch, in dataflow order.
  std::vector<Node*> chain(const Pat& pat) const;

  /// What the match consumes: its operators, without wildcards and constants; in the order of binding.
  std::span<Node* const> nodes() const { return std::span(found_).subspan(bound_count_); }
  /// Number of operators: the longer of two overlapping matches wins.
  size_t length() const { return found_.size() - bound_count_; }
  Node& root() const { return *found_[bound_count_]; }

  /// Follows grafts that were carried out since: bound values that were replaced become their replacements.
  void refresh();

 private:
  friend class Matcher;
  struct Chain {
    int32_t id;
    std::vector<Node*> nodes;
  };
  std::pmr::vector<Node*> found_;  // by position, then what is consumed
  size_t bound_count_ = 0;
  std::vector<Chain> chains_;
};

/// Why a tree did not match: the nearest miss, at its deepest point.
struct MatchFailure {
  enum class Cause : uint8_t { kNone, kOperator, kInputCount, kCondition, kFork, kEscapes, kTaken, kEffort };
  Cause cause = Cause::kNone;
  uint32_t depth = 0;
  const Node* node = nullptr;
  const Node* user = nullptr;           ///< kEscapes: who uses the value outside.
  const std::string* reason = nullptr;  ///< kCondition.

  /// True when all operators fitted and something else was in the way: worth telling a user.
  bool is_near_miss() const {
    return (cause == Cause::kCondition && !reason->empty()) || cause == Cause::kEscapes || cause == Cause::kTaken ||
           cause == Cause::kEffort;
  }
  std::string text() const;
};

/// What a matcher looks at beside the tree and the node.
struct MatchContext {
  const GraphModule* module = nullptr;
  const CanonicalOrder* order = nullptr;     ///< Decides ties; null: operands as they stand.
  const std::vector<bool>* taken = nullptr;  ///< By arena index: nodes of other matches; may be null.
  MatchBudget* budget = nullptr;             ///< That searches spend, and that ends them; may be null.
};

/// Matches trees. Binds into fixed storage with an undo trail: nothing is copied before a match is complete, and
/// storage is used again. Searches depth first with retry: either(), commutes(), chain(), stretch() and further roots
/// try what they have left when something fails later. One matcher serves one thread.
class Matcher {
 public:
  /// The most positions that one search binds, retries included: no tree and no graph makes it take longer.
  static constexpr uint32_t kMaxSteps = 4096;

  explicit Matcher(MatchContext context) : context_(context) {}

  /// True and `match` filled, or false and `failure()` set. O(size of the tree) but for retries. Of the ways in which
  /// the tree matches, the first holds: operands of commutes() deeper first, alternatives as they stand, long
  /// chains before short ones, short stretches before long ones.
  bool find(const Tree& tree, Node& anchor, Match& match);
  const MatchFailure& failure() const { return failure_; }

 private:
  using Position = Pat::Position;
  struct Chained {
    const Position* position;
    uint32_t begin, end;  // range in chained_
  };
  /// What is left to do once a position is bound: the operands of `position` at `node` from number `next` on, or,
  /// without a position, the roots from number `next` on; then `rest`. Lives on the stack of the search.
  struct Goal {
    const Position* position;
    Node* node;
    uint32_t depth;
    uint32_t next;
    bool swapped;
    const Goal* rest;
  };

  // Each binds, then does what is left; when anything fails nothing stays bound.
  bool reach(const Goal* goal);
  bool bind_tree(const Pat& pat, Node& node, uint32_t depth, const Goal* rest);
  bool bind_value(const Position& position, Node& node, uint32_t depth, const Goal* rest);
  bool bind_either(const Position& position, Node& node, uint32_t depth, const Goal* rest);
  bool bind_op(const Position& position, Node& node, uint32_t depth, const Goal* rest);
  bool bind_chain(const Position& position, Node& node, uint32_t depth, const Goal* rest);
  bool bind_stretch(const Position& position, Node& node, uint32_t depth, const Goal* rest);
  bool bind_in_either_order(const Position& position, Node& node, uint32_t depth, const Goal* rest);
  bool bind_operands(const Goal& goal);
  bool bind_roots(uint32_t next);

  void spend(size_t steps) {
    if (context_.budget) context_.budget->spend(steps);
  }
  bool gives_up() const { return steps_ > kMaxSteps || (context_.budget && context_.budget->is_spent()); }
  bool finish();
  bool wide_conditions_hold();
  bool check_closed();
  bool may_bind(const Pat& pat, const Node& node) const;
  bool is_taken(const Node& node) const;
  bool is_inside(const Node& node) const;
  void bind(const Position& position, Node& node);
  struct Mark {
    uint32_t trail, consumed, chains, chained;
  };
  Mark mark() const {
    return {trail_size_, static_cast<uint32_t>(consumed_.size()), static_cast<uint32_t>(chains_.size()),
            static_cast<uint32_t>(chained_.size())};
  }
  void undo(const Mark& mark);
  bool fail(MatchFailure::Cause cause, uint32_t depth, const Node& node, const std::string* reason = nullptr,
            const Node* user = nullptr);
  bool admits(const Position& position, const Node& node, uint32_t depth);
  bool conditions_hold(const Position& position, const Node& node, uint32_t depth);

  struct Consumed {
    Node* node;
    bool escapes;
  };
  MatchContext context_;
  const Tree* tree_ = nullptr;
  uint32_t steps_ = 0;
  std::array<Node*, Tree::kMaxPositions> bound_{};
  std::array<const Position*, Tree::kMaxPositions> trail_{};
  uint32_t trail_size_ = 0;
  std::vector<Consumed> consumed_;
  std::vector<Chained> chains_;
  std::vector<Node*> chained_;
  MatchFailure failure_;
};

}  // namespace graftwork::core
