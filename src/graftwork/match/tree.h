// A pattern's trees, numbered and indexed for matching.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graftwork/match/pat.h"

namespace graftwork::core {

/// One tree, or several that share values (several roots). Immutable after construction.
class Tree {
 public:
  /// The most positions a tree may have.
  static constexpr size_t kMaxPositions = 32;

  /// `roots`: the positions of the last operators; the first anchors the search. Numbers the positions: the
  /// same roots may make many trees (also at once, in several threads), but no Pat may stand in two different ones.
  explicit Tree(std::vector<Pat> roots);

  const std::vector<Pat>& roots() const { return roots_; }
  size_t position_count() const { return count_; }
  /// Positions with a condition on the whole match, by number.
  const std::vector<Pat>& with_wide_conditions() const { return with_wide_conditions_; }
  /// Longest way from the anchor to a leaf.
  uint32_t depth() const { return depth_; }
  /// Operators that the anchor admits.
  const std::vector<Symbol>& anchor_ops() const { return anchor_ops_; }
  /// Whether some position of the tree admits the operator by name.
  bool mentions(Symbol op) const;
  /// False when no node with these operand operators can match; cheap, never wrong about "false".
  bool may_match(uint64_t operand_ops) const;
  /// Bit of an operator in `operand_ops`.
  static uint64_t op_bit(Symbol op) { return uint64_t{1} << (op.id() % 64); }

 private:
  using Depths = std::unordered_map<const Pat::Position*, uint32_t>;

  void number(const Pat& pat, uint32_t depth, Depths& seen);
  static void collect_ops(const Pat& pat, std::vector<Symbol>& into, bool& unlimited);

  std::vector<Pat> roots_;
  std::vector<Symbol> anchor_ops_;
  std::unordered_set<Symbol> ops_;
  std::vector<uint64_t> operand_masks_;  // one per operand of the anchor that cannot be just anything
  std::vector<Pat> with_wide_conditions_;
  size_t count_ = 0;
  uint32_t depth_ = 0;
};

}  // namespace graftwork::core
