#include "graftwork/match/matcher.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {

Node& Match::operator[](const Pat& pat) const {
  Node* node = bound_[static_cast<size_t>(pat.position_->id)];
  GRAFTWORK_ASSERT(node != nullptr);
  return *node;
}

std::vector<Node*> Match::chain(const Pat& pat) const {
  for (const Chain& entry : chains_) {
    if (entry.id == pat.position_->id) return entry.nodes;
  }
  return {};
}

void Match::refresh() {
  for (Node*& node : bound_) {
    if (node) node = node->resolve();
  }
}

std::string MatchFailure::text() const {
  const std::string name = node ? "%" + node->name().str() : "";
  switch (cause) {
    case Cause::kNone:
      return "nothing was tried";
    case Cause::kOperator:
      return cat(name, " is ", node->op().str());
    case Cause::kInputCount:
      return cat(name, " has ", counted(node->input_count(), "input"));
    case Cause::kCondition:
      return cat(name, ": ", *reason);
    case Cause::kFork:
      return cat("the branches do not start at one value: ", name);
    case Cause::kEscapes:
      return cat(name, " is used outside the match, by ",
                 user->kind() == NodeKind::kOutput ? "return" : "%" + user->name().str());
    case Cause::kTaken:
      return cat(name, " belongs to another match");
  }
  return {};
}

bool Matcher::find(const Tree& tree, Node& anchor, Match& match) {
  failure_ = {};
  swapped_ = 0;
  while (true) {
    if (!bind_all(tree, anchor)) return false;
    if (check_closed(tree)) break;
    // Only a whole match shows that a value of the branch that was tried first is used outside: the other
    // orders then have their turn, all subsets of the commuting positions.
    swapped_ = (swapped_ - tree.commuting()) & tree.commuting();
    if (swapped_ == 0) return false;
  }
  match.bound_.assign(bound_.begin(), bound_.begin() + static_cast<std::ptrdiff_t>(tree.position_count()));
  match.nodes_.clear();
  match.nodes_.reserve(consumed_.size());
  for (const Consumed& entry : consumed_) match.nodes_.push_back(entry.node);
  match.chains_.clear();
  for (const Chained& entry : chains_) {
    match.chains_.push_back({entry.position->id, {chained_.begin() + entry.begin, chained_.begin() + entry.end}});
    std::reverse(match.chains_.back().nodes.begin(), match.chains_.back().nodes.end());
  }
  return true;
}

bool Matcher::bind_all(const Tree& tree, Node& anchor) {
  undo({0, 0, 0});
  chained_.clear();
  if (!bind_tree(tree.roots()[0], anchor, 0)) return false;
  for (size_t i = 1; i < tree.roots().size(); ++i) {
    if (!bind_further_root(tree.roots()[i])) return false;
  }
  return true;
}

bool Matcher::bind_further_root(const Pat& root) {
  // A further root is found among the users of a value that it shares with what is bound already.
  for (const Pat& operand : root.position_->operands) {
    Node* shared = bound_[static_cast<size_t>(operand.position_->id)];
    if (!shared) continue;
    std::vector<Node*> users;
    for (const Use* use = shared->uses(); use; use = use->next()) users.push_back(use->user());
    // Roots that look alike bind in canonical order: the order of uses is no property of the network.
    if (context_.order) {
      std::stable_sort(users.begin(), users.end(),
                       [&](const Node* a, const Node* b) { return context_.order->less(*a, *b); });
    }
    for (Node* user : users) {
      if (is_inside(*user)) continue;
      const Mark before = mark();
      if (bind_tree(root, *user, 0)) return true;
      undo(before);
    }
    return fail(MatchFailure::Cause::kFork, 0, *shared);
  }
  return false;
}

bool Matcher::bind_tree(const Pat& pat, Node& node, uint32_t depth) {
  const Position& position = *pat.position_;
  if (Node* bound = bound_[static_cast<size_t>(position.id)]) {
    return bound == &node || fail(MatchFailure::Cause::kFork, depth, node);
  }
  switch (position.form) {
    case Pat::Form::kAny:
      if (!conditions_hold(position, node, depth)) return false;
      bind(position, node);
      return true;
    case Pat::Form::kConstant:
      if (node.kind() != NodeKind::kConstant) return fail(MatchFailure::Cause::kOperator, depth, node);
      if (!conditions_hold(position, node, depth)) return false;
      bind(position, node);
      return true;
    case Pat::Form::kEither:
      if (!conditions_hold(position, node, depth)) return false;
      for (const Pat& alternative : position.operands) {
        const Mark before = mark();
        if (bind_tree(alternative, node, depth)) {
          bind(position, node);
          return true;
        }
        undo(before);
      }
      return false;
    case Pat::Form::kChain:
      return bind_chain(position, node, depth);
    case Pat::Form::kOp:
      return bind_op(position, node, depth);
  }
  return false;
}

bool Matcher::admits(const Position& position, const Node& node, uint32_t depth) {
  if (std::find(position.ops.begin(), position.ops.end(), node.op()) == position.ops.end()) {
    return fail(MatchFailure::Cause::kOperator, depth, node);
  }
  if (context_.taken && node.id().index < context_.taken->size() && (*context_.taken)[node.id().index]) {
    return fail(MatchFailure::Cause::kTaken, depth, node);
  }
  return true;
}

bool Matcher::conditions_hold(const Position& position, const Node& node, uint32_t depth) {
  for (const Pat::Condition& condition : position.conditions) {
    if (!condition.holds(*context_.module, node)) {
      return fail(MatchFailure::Cause::kCondition, depth, node, &condition.reason);
    }
  }
  return true;
}

bool Matcher::bind_op(const Position& position, Node& node, uint32_t depth) {
  if (!admits(position, node, depth)) return false;
  const bool count_fits = position.open_ended ? node.input_count() >= position.operands.size()
                                              : node.input_count() == position.operands.size();
  if (!count_fits) return fail(MatchFailure::Cause::kInputCount, depth, node);
  const Mark before = mark();
  bind(position, node);
  consumed_.push_back({&node, position.escapes});
  // Conditions come last: one that fails says that all operators fitted, and that is worth telling.
  if (bind_operands(position, node, depth) && conditions_hold(position, node, depth)) return true;
  undo(before);
  return false;
}

bool Matcher::bind_operands(const Position& position, Node& node, uint32_t depth) {
  if (!position.commutes) return bind_operands_as_they_stand(position, node, depth, false);
  const auto fits = [&](bool swapped) {
    return may_bind(position.operands[0], node.input(swapped ? 1 : 0)) &&
           may_bind(position.operands[1], node.input(swapped ? 0 : 1));
  };
  // Where operators decide, no order of merit is needed: that costs a walk over the graph.
  if (!fits(true)) return bind_operands_as_they_stand(position, node, depth, false);
  if (!fits(false)) return bind_operands_as_they_stand(position, node, depth, true);
  const bool second_is_trunk = context_.order && context_.order->less(node.input(0), node.input(1));
  const bool second_first = second_is_trunk != ((swapped_ >> position.id & 1) != 0);
  return bind_operands_as_they_stand(position, node, depth, second_first) ||
         bind_operands_as_they_stand(position, node, depth, !second_first);
}

bool Matcher::bind_operands_as_they_stand(const Position& position, Node& node, uint32_t depth, bool swapped) {
  const Mark before = mark();
  for (size_t i = 0; i < position.operands.size(); ++i) {
    if (!bind_tree(position.operands[i], node.input(swapped ? 1 - i : i), depth + 1)) {
      undo(before);
      return false;
    }
  }
  return true;
}

/// Whether the operator of `node` admits it at `pat`; what is bound already and conditions are not looked at.
bool Matcher::may_bind(const Pat& pat, const Node& node) const {
  const Position& position = *pat.position_;
  switch (position.form) {
    case Pat::Form::kAny:
      return true;
    case Pat::Form::kConstant:
      return node.kind() == NodeKind::kConstant;
    case Pat::Form::kEither:
      return std::any_of(position.operands.begin(), position.operands.end(),
                         [&](const Pat& alternative) { return may_bind(alternative, node); });
    case Pat::Form::kChain:
      if (position.min == 0) return true;
      break;
    case Pat::Form::kOp:
      break;
  }
  return std::find(position.ops.begin(), position.ops.end(), node.op()) != position.ops.end();
}

bool Matcher::bind_chain(const Position& position, Node& node, uint32_t depth) {
  const auto begin = static_cast<uint32_t>(chained_.size());
  Node* at = &node;
  uint32_t count = 0;
  while (count < position.max && at->input_count() == 1 && admits(position, *at, depth + count) &&
         conditions_hold(position, *at, depth + count)) {
    chained_.push_back(at);
    at = &at->input(0);
    ++count;
  }
  if (count < position.min) {
    if (at->input_count() != 1) fail(MatchFailure::Cause::kInputCount, depth + count, *at);
    return false;
  }
  const Mark before = mark();
  bind(position, node);
  const auto end = static_cast<uint32_t>(chained_.size());
  chains_.push_back({&position, begin, end});
  for (uint32_t i = begin; i < end; ++i) consumed_.push_back({chained_[i], position.escapes});
  if (bind_tree(position.operands[0], *at, depth + count)) return true;
  undo(before);
  return false;
}

bool Matcher::check_closed(const Tree& tree) {
  for (const Consumed& entry : consumed_) {
    if (entry.escapes) continue;
    const bool is_root = std::any_of(tree.roots().begin(), tree.roots().end(), [&](const Pat& root) {
      return bound_[static_cast<size_t>(root.position_->id)] == entry.node;
    });
    if (is_root) continue;
    const Node* outside = nullptr;  // of several readers the first in canonical order is named
    for (const Use* use = entry.node->uses(); use; use = use->next()) {
      if (is_inside(*use->user())) continue;
      if (!outside || (context_.order && context_.order->less(*use->user(), *outside))) outside = use->user();
    }
    if (outside) return fail(MatchFailure::Cause::kEscapes, UINT32_MAX, *entry.node, nullptr, outside);
  }
  return true;
}

bool Matcher::is_inside(const Node& node) const {
  return std::any_of(consumed_.begin(), consumed_.end(), [&](const Consumed& entry) { return entry.node == &node; });
}

void Matcher::bind(const Position& position, Node& node) {
  bound_[static_cast<size_t>(position.id)] = &node;
  trail_[trail_size_++] = &position;
}

void Matcher::undo(const Mark& mark) {
  while (trail_size_ > mark.trail) bound_[static_cast<size_t>(trail_[--trail_size_]->id)] = nullptr;
  consumed_.resize(mark.consumed);
  chains_.resize(mark.chains);
}

bool Matcher::fail(MatchFailure::Cause cause, uint32_t depth, const Node& node, const std::string* reason,
                   const Node* user) {
  // A near miss says more than a wrong operator, the deeper more than the shallower, the first more than the next.
  const auto rank = [](const MatchFailure& failure) { return std::pair(failure.is_near_miss(), failure.depth); };
  const MatchFailure found{cause, depth, &node, user, reason};
  if (failure_.cause == MatchFailure::Cause::kNone || rank(found) > rank(failure_)) failure_ = found;
  return false;
}

}  // namespace graftwork
