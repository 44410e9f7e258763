#include "graftwork/match/tree.h"

#include <algorithm>

#include "graftwork/base/error.h"

namespace graftwork::core {

Tree::Tree(std::vector<Pat> roots) : roots_(std::move(roots)) {
  GRAFTWORK_ASSERT(!roots_.empty());
  Depths seen;
  for (const Pat& root : roots_) number(root, 0, seen);
  bool unlimited = false;
  collect_ops(roots_[0], anchor_ops_, unlimited);
  GRAFTWORK_ASSERT(!unlimited && !anchor_ops_.empty());
  if (roots_[0].position_->form != Pat::Form::kOp) return;
  for (const Pat& operand : roots_[0].position_->operands) {
    std::vector<Symbol> ops;
    bool anything = false;
    collect_ops(operand, ops, anything);
    uint64_t mask = 0;
    for (const Symbol op : ops) mask |= op_bit(op);
    if (!anything) operand_masks_.push_back(mask);
  }
}

void Tree::number(const Pat& pat, uint32_t depth, Depths& seen) {
  Pat::Position& position = *pat.position_;
  const auto [at, is_new] = seen.emplace(&position, depth);
  if (!is_new && at->second >= depth) return;  // a fork, reached on a way that is no longer
  at->second = depth;
  if (is_new) {
    const auto id = static_cast<int32_t>(count_++);
    GRAFTWORK_ASSERT(count_ <= kMaxPositions);
    // Another tree of these roots gave the same number before, or gives it now in another thread.
    const int32_t before = position.id.exchange(id, std::memory_order_relaxed);
    GRAFTWORK_ASSERT(before < 0 || before == id);
    ops_.insert(position.ops.begin(), position.ops.end());
    if (!position.wide_conditions.empty()) with_wide_conditions_.push_back(pat);
  }
  depth_ = std::max(depth_, depth + position.max);
  for (const Pat& operand : position.operands) number(operand, depth + position.max + 1, seen);
}

void Tree::collect_ops(const Pat& pat, std::vector<Symbol>& into, bool& unlimited) {
  const Pat::Position& position = *pat.position_;
  switch (position.form) {
    case Pat::Form::kAny:
    case Pat::Form::kStretch:
      unlimited = true;
      return;
    case Pat::Form::kConstant:
      into.emplace_back("constant");
      return;
    case Pat::Form::kOp:
      into.insert(into.end(), position.ops.begin(), position.ops.end());
      return;
    case Pat::Form::kEither:
      for (const Pat& alternative : position.operands) collect_ops(alternative, into, unlimited);
      return;
    case Pat::Form::kChain:
      into.insert(into.end(), position.ops.begin(), position.ops.end());
      if (position.min == 0) collect_ops(position.operands[0], into, unlimited);
      return;
  }
}

bool Tree::mentions(Symbol op) const { return ops_.contains(op); }

bool Tree::may_match(uint64_t operand_ops) const {
  return std::all_of(operand_masks_.begin(), operand_masks_.end(),
                     [&](uint64_t mask) { return (mask & operand_ops) != 0; });
}

}  // namespace graftwork::core
