#include "graftwork/match/matcher.h"

#include <algorithm>
#include <bit>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

/// The only input that is no constant; null when there are several, or none.
Node* only_input(const Node& node) {
  Node* found = nullptr;
  for (const Use& use : node.inputs()) {
    if (use.producer()->kind() == NodeKind::kConstant) continue;
    if (found) return nullptr;
    found = use.producer();
  }
  return found;
}

}  // namespace

std::vector<Node*> Match::chain(const Pat& pat) const {
  for (const Chain& entry : chains_) {
    if (entry.id == pat.position_->id) return entry.nodes;
  }
  return {};
}

void Match::refresh() {
  for (Node*& node : std::span(found_).first(bound_count_)) {
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
    case Cause::kEffort:
      return cat("the search was given up after ", Matcher::kMaxSteps, " steps, at ", name);
  }
  return {};
}

bool Matcher::find(const Tree& tree, Node& anchor, Match& match) {
  failure_ = {};
  steps_ = 0;
  tree_ = &tree;
  undo({0, 0, 0, 0});
  const Goal further_roots{nullptr, nullptr, 0, 1, false, nullptr};
  if (!bind_tree(tree.roots()[0], anchor, 0, &further_roots)) return false;
  match.bound_count_ = tree.position_count();
  match.found_.clear();
  match.found_.reserve(match.bound_count_ + consumed_.size());
  match.found_.assign(bound_.begin(), bound_.begin() + static_cast<std::ptrdiff_t>(match.bound_count_));
  for (const Consumed& entry : consumed_) match.found_.push_back(entry.node);
  match.chains_.clear();
  for (const Chained& entry : chains_) {
    match.chains_.push_back({entry.position->id, {chained_.begin() + entry.begin, chained_.begin() + entry.end}});
    std::reverse(match.chains_.back().nodes.begin(), match.chains_.back().nodes.end());
  }
  return true;
}

bool Matcher::reach(const Goal* goal) { return goal->position ? bind_operands(*goal) : bind_roots(goal->next); }

bool Matcher::bind_roots(uint32_t next) {
  if (next == tree_->roots().size()) return finish();
  // A further root is found among the users of a value that it shares with what is bound already.
  const Pat& root = tree_->roots()[next];
  const Goal rest{nullptr, nullptr, 0, next + 1, false, nullptr};
  for (const Pat& operand : root.position_->operands) {
    Node* shared = bound_[static_cast<size_t>(operand.position_->id)];
    if (!shared) continue;
    std::vector<Node*> users;
    for (const Use* use = shared->uses(); use; use = use->next()) users.push_back(use->user());
    spend(4 * users.size() * std::bit_width(users.size()));  // they are sorted
    // Roots that look alike bind in canonical order: the order of uses is no property of the network.
    if (context_.order) {
      std::stable_sort(users.begin(), users.end(),
                       [&](const Node* a, const Node* b) { return context_.order->less(*a, *b); });
    }
    for (Node* user : users) {
      if (!is_inside(*user) && bind_tree(root, *user, 0, &rest)) return true;
      if (gives_up()) return false;
    }
    return fail(MatchFailure::Cause::kFork, 0, *shared);
  }
  return false;
}

bool Matcher::bind_tree(const Pat& pat, Node& node, uint32_t depth, const Goal* rest) {
  ++steps_;
  spend(1);
  if (gives_up()) {
    if (failure_.cause != MatchFailure::Cause::kEffort)
      failure_ = {MatchFailure::Cause::kEffort, UINT32_MAX, &node, nullptr, nullptr};
    return false;
  }
  const Position& position = *pat.position_;
  if (Node* bound = bound_[static_cast<size_t>(position.id)]) {
    return bound == &node ? reach(rest) : fail(MatchFailure::Cause::kFork, depth, node);
  }
  switch (position.form) {
    case Pat::Form::kConstant:
      if (node.kind() != NodeKind::kConstant) return fail(MatchFailure::Cause::kOperator, depth, node);
      return bind_value(position, node, depth, rest);
    case Pat::Form::kAny:
      return bind_value(position, node, depth, rest);
    case Pat::Form::kEither:
      return bind_either(position, node, depth, rest);
    case Pat::Form::kChain:
      return bind_chain(position, node, depth, rest);
    case Pat::Form::kStretch:
      return bind_stretch(position, node, depth, rest);
    case Pat::Form::kOp:
      return bind_op(position, node, depth, rest);
  }
  return false;
}

bool Matcher::bind_value(const Position& position, Node& node, uint32_t depth, const Goal* rest) {
  if (!conditions_hold(position, node, depth)) return false;
  const Mark before = mark();
  bind(position, node);
  if (reach(rest)) return true;
  undo(before);
  return false;
}

bool Matcher::bind_either(const Position& position, Node& node, uint32_t depth, const Goal* rest) {
  if (!conditions_hold(position, node, depth)) return false;
  const Mark before = mark();
  bind(position, node);
  for (const Pat& alternative : position.operands) {
    if (bind_tree(alternative, node, depth, rest)) return true;
  }
  undo(before);
  return false;
}

bool Matcher::admits(const Position& position, const Node& node, uint32_t depth) {
  if (std::find(position.ops.begin(), position.ops.end(), node.op()) == position.ops.end()) {
    return fail(MatchFailure::Cause::kOperator, depth, node);
  }
  return !is_taken(node) || fail(MatchFailure::Cause::kTaken, depth, node);
}

bool Matcher::is_taken(const Node& node) const {
  return context_.taken && node.id().index < context_.taken->size() && (*context_.taken)[node.id().index];
}

bool Matcher::conditions_hold(const Position& position, const Node& node, uint32_t depth) {
  for (const Pat::Condition& condition : position.conditions) {
    if (!condition.holds(*context_.module, node)) {
      return fail(MatchFailure::Cause::kCondition, depth, node, &condition.reason);
    }
  }
  return true;
}

bool Matcher::bind_op(const Position& position, Node& node, uint32_t depth, const Goal* rest) {
  if (!admits(position, node, depth)) return false;
  const bool count_fits = position.open_ended ? node.input_count() >= position.operands.size()
                                              : node.input_count() == position.operands.size();
  if (!count_fits) return fail(MatchFailure::Cause::kInputCount, depth, node);
  const Mark before = mark();
  bind(position, node);
  consumed_.push_back({&node, position.escapes});
  if (position.commutes ? bind_in_either_order(position, node, depth, rest)
                        : bind_operands({&position, &node, depth, 0, false, rest})) {
    return true;
  }
  undo(before);
  return false;
}

bool Matcher::bind_in_either_order(const Position& position, Node& node, uint32_t depth, const Goal* rest) {
  const auto fits = [&](bool swapped) {
    return may_bind(position.operands[0], node.input(swapped ? 1 : 0)) &&
           may_bind(position.operands[1], node.input(swapped ? 0 : 1));
  };
  const auto bind_them = [&](bool swapped) { return bind_operands({&position, &node, depth, 0, swapped, rest}); };
  // Where operators decide, no order of merit is needed: that costs a walk over the graph.
  if (!fits(true)) return bind_them(false);
  if (!fits(false)) return bind_them(true);
  const bool second_first = context_.order && context_.order->less(node.input(0), node.input(1));
  return bind_them(second_first) || bind_them(!second_first);
}

bool Matcher::bind_operands(const Goal& goal) {
  const Position& position = *goal.position;
  if (goal.next == position.operands.size()) {
    // Conditions come last: one that fails says that all operators fitted, and that is worth telling.
    return conditions_hold(position, *goal.node, goal.depth) && reach(goal.rest);
  }
  Goal further = goal;
  ++further.next;
  Node& operand = goal.node->input(goal.swapped ? 1 - goal.next : goal.next);
  return bind_tree(position.operands[goal.next], operand, goal.depth + 1, &further);
}

/// Whether the operator of `node` admits it at `pat`; what is bound already and conditions are not looked at.
bool Matcher::may_bind(const Pat& pat, const Node& node) const {
  const Position& position = *pat.position_;
  switch (position.form) {
    case Pat::Form::kAny:
    case Pat::Form::kStretch:
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

bool Matcher::bind_chain(const Position& position, Node& node, uint32_t depth, const Goal* rest) {
  const Mark before = mark();
  Node* at = &node;
  uint32_t count = 0;
  while (count < position.max && at->input_count() == 1 && admits(position, *at, depth + count) &&
         conditions_hold(position, *at, depth + count)) {
    spend(1);
    chained_.push_back(at);
    consumed_.push_back({at, position.escapes});
    at = &at->input(0);
    ++count;
  }
  if (count < position.min && at->input_count() != 1) fail(MatchFailure::Cause::kInputCount, depth + count, *at);
  for (; count >= position.min; --count) {
    const Mark here = mark();
    bind(position, node);
    chains_.push_back({&position, before.chained, before.chained + count});
    if (bind_tree(position.operands[0], *at, depth + count, rest)) return true;
    undo(here);
    if (count == 0) break;
    at = chained_.back();  // the last one may be what stands in front of the chain
    chained_.pop_back();
    consumed_.pop_back();
  }
  undo(before);
  return false;
}

bool Matcher::bind_stretch(const Position& position, Node& node, uint32_t depth, const Goal* rest) {
  const Mark before = mark();
  Node* at = &node;
  for (uint32_t count = 0;; ++count) {
    if (count >= position.min) {
      const Mark here = mark();
      bind(position, node);
      chains_.push_back({&position, before.chained, before.chained + count});
      if (bind_tree(position.operands[0], *at, depth + count, rest)) return true;
      undo(here);
    }
    Node* const above = count < position.max && !is_inside(*at) ? only_input(*at) : nullptr;
    spend(1 + consumed_.size() / 4);
    if (!above || gives_up()) break;
    if (is_taken(*at)) fail(MatchFailure::Cause::kTaken, depth + count, *at);
    if (is_taken(*at) || !conditions_hold(position, *at, depth + count)) break;
    chained_.push_back(at);
    consumed_.push_back({at, position.escapes});
    at = above;
  }
  undo(before);
  return false;
}

bool Matcher::finish() { return wide_conditions_hold() && check_closed(); }

bool Matcher::wide_conditions_hold() {
  for (const Pat& pat : tree_->with_wide_conditions()) {
    const Node* node = bound_[static_cast<size_t>(pat.position_->id)];
    if (!node) continue;
    for (const Pat::WideCondition& condition : pat.position_->wide_conditions) {
      if (!condition.holds(*context_.module, Bindings(bound_))) {
        return fail(MatchFailure::Cause::kCondition, UINT32_MAX, *node, &condition.reason);
      }
    }
  }
  return true;
}

bool Matcher::check_closed() {
  const std::vector<Pat>& roots = tree_->roots();
  for (const Consumed& entry : consumed_) {
    if (entry.escapes) continue;
    const bool is_root = std::any_of(roots.begin(), roots.end(), [&](const Pat& root) {
      return bound_[static_cast<size_t>(root.position_->id)] == entry.node;
    });
    if (is_root) continue;
    spend(entry.node->use_count() * (1 + consumed_.size() / 4));
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
  chained_.resize(mark.chained);
}

bool Matcher::fail(MatchFailure::Cause cause, uint32_t depth, const Node& node, const std::string* reason,
                   const Node* user) {
  if (failure_.cause == MatchFailure::Cause::kEffort) return false;
  // A near miss says more than a wrong operator, the deeper more than the shallower, the first more than the next.
  const auto rank = [](const MatchFailure& failure) { return std::pair(failure.is_near_miss(), failure.depth); };
  const MatchFailure found{cause, depth, &node, user, reason};
  if (failure_.cause == MatchFailure::Cause::kNone || rank(found) > rank(failure_)) failure_ = found;
  return false;
}

}  // namespace graftwork::core
