// Finds a tree at a node.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "graftwork/ir/canonical_order.h"
#include "graftwork/match/tree.h"

namespace graftwork {

/// The bindings of one successful match.
class Match {
 public:
  /// `memory` must outlive the match.
  explicit Match(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : bound_(memory), nodes_(memory) {}

  /// The node bound to a position. The position must be bound.
  Node& operator[](const Pat& pat) const;
  bool has(const Pat& pat) const { return bound_[static_cast<size_t>(pat.position_->id)] != nullptr; }
  /// Nodes of a chain position, in dataflow order.
  std::vector<Node*> chain(const Pat& pat) const;

  /// What the match consumes: its operators, without wildcards and constants; in the order of binding.
  std::span<Node* const> nodes() const { return nodes_; }
  /// Number of operators: the longer of two overlapping matches wins.
  size_t length() const { return nodes_.size(); }
  Node& root() const { return *nodes_.front(); }

  /// Follows grafts that were carried out since: bound values that were replaced become their replacements.
  void refresh();

 private:
  friend class Matcher;
  struct Chain {
    int32_t id;
    std::vector<Node*> nodes;
  };
  std::pmr::vector<Node*> bound_;
  std::pmr::vector<Node*> nodes_;
  std::vector<Chain> chains_;
};

/// Why a tree did not match: the nearest miss, at its deepest point.
struct MatchFailure {
  enum class Cause : uint8_t { kNone, kOperator, kInputCount, kCondition, kFork, kEscapes, kTaken };
  Cause cause = Cause::kNone;
  uint32_t depth = 0;
  const Node* node = nullptr;
  const Node* user = nullptr;           ///< kEscapes: who uses the value outside.
  const std::string* reason = nullptr;  ///< kCondition.

  /// True when all operators fitted and something else was in the way: worth telling a user.
  bool is_near_miss() const {
    return (cause == Cause::kCondition && !reason->empty()) || cause == Cause::kEscapes || cause == Cause::kTaken;
  }
  std::string text() const;
};

/// What a matcher looks at beside the tree and the node.
struct MatchContext {
  const GraphModule* module = nullptr;
  const CanonicalOrder* order = nullptr;     ///< Decides ties; null: operands as they stand.
  const std::vector<bool>* taken = nullptr;  ///< By arena index: nodes of other matches; may be null.
};

/// Matches trees. Binds into fixed storage with an undo trail: nothing is allocated or copied before a
/// match is complete. Retries only in either() and commutes(). One matcher serves one thread.
class Matcher {
 public:
  explicit Matcher(MatchContext context) : context_(context) {}

  /// True and `match` filled, or false and `failure()` set. O(size of the tree) but for retries. Of the orders that
  /// commutes() allows, the first that makes a whole match holds.
  bool find(const Tree& tree, Node& anchor, Match& match);
  const MatchFailure& failure() const { return failure_; }

 private:
  using Position = Pat::Position;
  struct Chained {
    const Position* position;
    uint32_t begin, end;  // range in chained_
  };

  bool bind_all(const Tree& tree, Node& anchor);
  bool bind_tree(const Pat& pat, Node& node, uint32_t depth);
  bool bind_op(const Position& position, Node& node, uint32_t depth);
  bool bind_chain(const Position& position, Node& node, uint32_t depth);
  bool bind_operands(const Position& position, Node& node, uint32_t depth);
  bool bind_operands_as_they_stand(const Position& position, Node& node, uint32_t depth, bool swapped);
  bool may_bind(const Pat& pat, const Node& node) const;
  bool bind_further_root(const Pat& root);
  bool check_closed(const Tree& tree);
  bool is_inside(const Node& node) const;
  void bind(const Position& position, Node& node);
  struct Mark {
    uint32_t trail, consumed, chains;
  };
  Mark mark() const {
    return {trail_size_, static_cast<uint32_t>(consumed_.size()), static_cast<uint32_t>(chains_.size())};
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
  std::array<Node*, Tree::kMaxPositions> bound_{};
  std::array<const Position*, Tree::kMaxPositions> trail_{};
  uint32_t trail_size_ = 0;
  uint32_t swapped_ = 0;  // by position number: commuting operators to try in the other order first
  std::vector<Consumed> consumed_;
  std::vector<Chained> chains_;
  std::vector<Node*> chained_;
  MatchFailure failure_;
};

}  // namespace graftwork
