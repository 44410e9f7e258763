#include "graftwork/rewrite/rewriter.h"

#include <algorithm>
#include <deque>
#include <memory_resource>
#include <new>
#include <numeric>
#include <span>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {

struct Rewriter::Candidate {
  Match match;
  uint32_t entry = 0;
  uint32_t place = 0;           // that the filter says
  uint32_t first_consumed = 0;  // in Round::consumed
  uint32_t consumed_count = 0;
};

/// A candidate that had to give way.
struct Rewriter::Loser {
  uint32_t candidate;
  uint32_t winner;
  Symbol taken;         ///< Name of the node that the winner took.
  bool chosen = false;  ///< Later, when the winner declined.
};

/// What a run has spent, in all and on each pattern.
struct Rewriter::Effort {
  Effort(const Rewriter& r, const GraphModule& module)
      : rewriter(r), own(module.graph().size()), budget(r.budget_ ? *r.budget_ : own), steps(r.entries_.size()) {}

  const Rewriter& rewriter;
  MatchBudget own;
  MatchBudget& budget;
  std::vector<uint64_t> steps;  // by entry

  void spend(uint64_t count) {
    budget.spend(count);
    check();
  }
  void check() const {
    if (!budget.is_spent()) return;
    const auto most = static_cast<size_t>(std::ranges::max_element(steps) - steps.begin());
    throw Error("rewrite.effort",
                cat("the patterns were given up after ", budget.total(), " steps, most of them for ",
                    most < steps.size() ? rewriter.entries_[most].name.str() : "none"),
                "a narrower pattern: several roots, any(...)* and `commutes` try the most");
  }
};

/// Everything that one round needs; lives on the stack of run_round.
struct Rewriter::Round {
  Round(GraphModule& m, const MatchFilter& f, Effort& e, Report& r)
      : module(m), filter(f), effort(e), report(r), order(m), matcher({&m, &order, &taken, &e.budget}) {}

  GraphModule& module;
  const MatchFilter& filter;
  Effort& effort;
  Report& report;
  CanonicalOrder order;
  std::vector<bool> taken;  // by arena index: consumed by a chosen match
  Matcher matcher;
  std::pmr::monotonic_buffer_resource memory;  // of the matches
  std::deque<Candidate> candidates;
  std::vector<uint32_t> consumed;  // arena indices of the candidates' nodes, which settling reads instead of the nodes
  std::vector<SkippedMatch> near_misses;
  std::vector<Loser> losers;
  std::vector<Node*> touched;

  /// To be called whenever the candidate's match is a new one.
  void note_consumed(Candidate& candidate) {
    candidate.first_consumed = static_cast<uint32_t>(consumed.size());
    for (const Node* node : candidate.match.nodes()) consumed.push_back(node->id().index);
    candidate.consumed_count = static_cast<uint32_t>(candidate.match.length());
  }
  /// In the order of match.nodes().
  std::span<const uint32_t> consumed_by(const Candidate& candidate) const {
    return std::span(consumed).subspan(candidate.first_consumed, candidate.consumed_count);
  }
};

namespace {

constexpr size_t kTouchedByGraft = 4;  // about as many nodes as a graft touches

// What is no step of a search costs as much as so many of them.
constexpr uint64_t kStepsOfGraft = 64;
constexpr uint64_t kStepsOfNote = 16;  // of a miss or of an overlap, which is kept

size_t index_of(const Node* node) { return node->id().index; }

/// Sets of nodes, as bits by arena index.
class NodeSet {
 public:
  explicit NodeSet(const GraphModule& module) : bits_(module.graph().capacity()) {}
  /// False when the node is in already.
  bool insert(const Node* node) {
    if (bits_[index_of(node)]) return false;
    return bits_[index_of(node)] = true;
  }
  bool contains(uint32_t index) const { return bits_[index]; }

 private:
  std::vector<bool> bits_;
};

}  // namespace

Rewriter::Rewriter(PatternList patterns, MatchBudget* budget) : budget_(budget) {
  for (std::shared_ptr<const Pattern>& pattern : patterns) {
    Tree tree(pattern->roots());
    depth_ = std::max(depth_, tree.depth());
    several_roots_ |= tree.roots().size() > 1;
    const auto index = static_cast<uint32_t>(entries_.size());
    for (const Symbol op : tree.anchor_ops()) {
      if (by_op_.size() <= op.id()) by_op_.resize(op.id() + 1);
      std::vector<uint32_t>& list = by_op_[op.id()];
      if (list.empty() || list.back() != index) list.push_back(index);
    }
    const Symbol name = pattern->name();
    if (pattern->looks_further()) far_looking_.push_back(name);
    entries_.push_back({std::move(pattern), name, std::move(tree)});
  }
}

Report Rewriter::run_once(GraphModule& module, const MatchFilter& filter) const {
  Report report;
  Effort effort(*this, module);
  run_round(module, nullptr, filter, effort, report);
  return report;
}

Report Rewriter::run_to_fixpoint(GraphModule& module, const RoundWatcher& watcher) const {
  Report report;
  const size_t limit = 10 * module.graph().size() + 100;
  Effort effort(*this, module);
  const auto next_round = [&](const std::vector<Node*>* open) {
    Report round;
    std::vector<Node*> touched = run_round(module, open, {}, effort, round);
    if (watcher) watcher(round);
    report.append(std::move(round));
    return touched;
  };
  std::vector<Node*> touched = next_round(nullptr);
  while (!touched.empty()) {
    effort.spend(report.skipped.size());
    const std::vector<Node*> open = neighbourhood(module, std::move(touched), report);
    if (!report.skipped.empty()) {
      // A node that is looked at again gets a new answer.
      NodeSet again(module);
      for (const Node* node : open) again.insert(node);
      std::erase_if(report.skipped, [&](const SkippedMatch& miss) { return again.contains(miss.anchor.index); });
    }
    touched = next_round(&open);
    if (report.applied.size() > limit) {
      throw Error("rewrite.endless", cat("patterns undo one another: ", report.applied.back().pattern.str(), " and ",
                                         report.applied[report.applied.size() - 2].pattern.str(), " still match after ",
                                         limit, " grafts"));
    }
  }
  return report;
}

/// Looks at `open`, or at all nodes; returns those that a change has touched.
std::vector<Node*> Rewriter::run_round(GraphModule& module, const std::vector<Node*>* open, const MatchFilter& filter,
                                       Effort& effort, Report& report) const {
  Round round(module, filter, effort, report);
  effort.spend(module.graph().capacity());
  if (open) {
    for (Node* node : *open) find(round, *node);
  } else {
    for (Node& node : module.graph().nodes()) find(round, node);
  }
  for (std::vector<uint32_t> declined = apply(round, select(round)); !declined.empty();) {
    declined = apply(round, losers_to(round, declined));
  }
  report.skipped.reserve(report.skipped.size() + round.near_misses.size() + round.losers.size());
  for (SkippedMatch& miss : round.near_misses) report.skipped.push_back(std::move(miss));
  for (const Loser& loser : round.losers) {
    if (loser.chosen) continue;
    const Candidate& candidate = round.candidates[loser.candidate];
    const Node& root = candidate.match.root();
    report.skipped.push_back({entries_[candidate.entry].name,
                              root.name(),
                              {},
                              entries_[round.candidates[loser.winner].entry].name,
                              root.id(),
                              loser.taken});
  }
  return std::move(round.touched);
}

/// What may match now: changed nodes, and readers as far down as a tree reaches. The anchor of a tree of several
/// roots may stand on another branch, so then first as far up.
std::vector<Node*> Rewriter::neighbourhood(const GraphModule& module, std::vector<Node*> touched,
                                           const Report& report) const {
  if (several_roots_) {
    NodeSet above(module);
    for (uint32_t level = 0; level <= depth_; ++level) {
      for (size_t i = 0, reached = touched.size(); i < reached; ++i) {
        if (!above.insert(touched[i])) continue;
        if (!touched[i]->alive()) continue;
        for (const Use& use : touched[i]->inputs()) touched.push_back(use.producer());
      }
    }
  }
  NodeSet seen(module);
  std::vector<Node*> open;
  size_t level_begin = 0;
  const auto reach = [&](Node* node) {
    if (node->alive() && seen.insert(node)) open.push_back(node);
  };
  for (Node* node : touched) reach(node);
  for (uint32_t level = 0; level < depth_ && level_begin < open.size(); ++level) {
    const size_t level_end = open.size();
    for (size_t i = level_begin; i < level_end; ++i) {
      for (const Use* use = open[i]->uses(); use; use = use->next()) reach(use->user());
    }
    level_begin = level_end;
  }
  for (const SkippedMatch& miss : report.skipped) {
    const bool looks_further = std::find(far_looking_.begin(), far_looking_.end(), miss.pattern) != far_looking_.end();
    Node* anchor = looks_further ? module.graph().find(miss.anchor) : nullptr;
    if (anchor) reach(anchor);
  }
  return open;
}

void Rewriter::find(Round& round, Node& node) const {
  if (!node.alive() || node.op().id() >= by_op_.size() || by_op_[node.op().id()].empty()) return;
  round.effort.spend(by_op_[node.op().id()].size());
  uint64_t operand_ops = 0;
  for (const Use& use : node.inputs()) operand_ops |= Tree::op_bit(use.producer()->op());
  for (const uint32_t index : by_op_[node.op().id()]) {
    const Tree& tree = entries_[index].tree;
    if (!tree.may_match(operand_ops)) continue;
    Match match(&round.memory);
    if (this->match(round, index, node, match)) {
      const std::optional<uint32_t> place = round.filter ? round.filter(entries_[index].name, node) : 0;
      if (place) {
        round.candidates.push_back({std::move(match), index, *place});
        round.note_consumed(round.candidates.back());
      }
    } else if (round.matcher.failure().is_near_miss()) {
      round.effort.spend(kStepsOfNote);
      round.near_misses.push_back({entries_[index].name, node.name(), round.matcher.failure().text(), {}, node.id()});
    }
  }
}

bool Rewriter::match(Round& round, uint32_t entry, Node& anchor, Match& match) const {
  const uint64_t before = round.effort.budget.spent();
  const bool found = round.matcher.find(entries_[entry].tree, anchor, match);
  if (found) round.effort.budget.spend(match.length());
  round.effort.steps[entry] += round.effort.budget.spent() - before;
  round.effort.check();
  return found;
}

/// The candidates that are carried out, in the filter's order, then in the canonical order of their roots.
std::vector<uint32_t> Rewriter::select(Round& round) const {
  constexpr uint32_t kFree = UINT32_MAX;
  std::vector<uint32_t> chosen;
  if (round.candidates.empty()) return chosen;
  const size_t capacity = round.module.graph().capacity();
  std::vector<uint32_t> winner_of(capacity, kFree);  // arena index → candidate
  std::vector<uint32_t> claims(capacity, 0);
  round.taken.assign(capacity, false);
  const auto choose = [&](uint32_t index) {
    for (const uint32_t node : round.consumed_by(round.candidates[index])) {
      winner_of[node] = index;
      round.taken[node] = true;
    }
    chosen.push_back(index);
  };
  std::vector<uint32_t> open(round.candidates.size());
  std::iota(open.begin(), open.end(), 0U);
  chosen.reserve(open.size());
  while (!open.empty()) {
    round.effort.spend(capacity / 16);
    // Nearly all matches share no node with another: only the rest needs an order of merit.
    std::fill(claims.begin(), claims.end(), 0);
    for (const uint32_t index : open) {
      for (const uint32_t node : round.consumed_by(round.candidates[index])) ++claims[node];
    }
    std::vector<uint32_t> contested;
    for (const uint32_t index : open) {
      const std::span<const uint32_t> nodes = round.consumed_by(round.candidates[index]);
      const bool alone = std::all_of(nodes.begin(), nodes.end(), [&](uint32_t node) { return claims[node] == 1; });
      if (alone) {
        choose(index);
      } else {
        contested.push_back(index);
      }
    }
    sort_by_merit(round, contested);
    open.clear();
    for (const uint32_t index : contested) {
      Candidate& candidate = round.candidates[index];
      const std::span<const uint32_t> nodes = round.consumed_by(candidate);
      const auto taken =
          std::find_if(nodes.begin(), nodes.end(), [&](uint32_t node) { return winner_of[node] != kFree; });
      if (taken == nodes.end()) {
        choose(index);
        continue;
      }
      const Node& node = *candidate.match.nodes()[static_cast<size_t>(taken - nodes.begin())];
      round.effort.spend(kStepsOfNote);
      round.losers.push_back({index, winner_of[*taken], node.name()});
      open.push_back(index);
    }
    // Around the winners a loser may still match in another way (the other branch of a fork).
    std::erase_if(open, [&](uint32_t index) {
      Candidate& loser = round.candidates[index];
      if (!match(round, loser.entry, loser.match.root(), loser.match)) return true;
      round.note_consumed(loser);
      return false;
    });
  }
  sort_to_apply(round, chosen);
  return chosen;
}

/// Who lost a node to a match that has declined since, and still matches beside what was carried out: in the order in
/// which they lost, which is that of merit.
std::vector<uint32_t> Rewriter::losers_to(Round& round, const std::vector<uint32_t>& declined) const {
  std::vector<uint32_t> chosen;
  const auto take = [&](const Candidate& candidate, bool taken) {
    for (const uint32_t node : round.consumed_by(candidate)) round.taken[node] = taken;
  };
  for (const uint32_t index : declined) take(round.candidates[index], false);
  // What this round has made is not matched again.
  round.taken.resize(round.module.graph().capacity(), true);
  round.effort.spend(round.losers.size() * (1 + declined.size() / 8));
  for (Loser& loser : round.losers) {
    const bool has_a_chance = std::find(declined.begin(), declined.end(), loser.winner) != declined.end();
    Candidate& candidate = round.candidates[loser.candidate];
    Node& root = candidate.match.root();
    if (loser.chosen || !has_a_chance || !root.alive()) continue;
    if (!match(round, candidate.entry, root, candidate.match)) continue;
    round.note_consumed(candidate);
    take(candidate, true);
    loser.chosen = true;
    chosen.push_back(loser.candidate);
  }
  return chosen;
}

/// The longer match first, then the earlier pattern, then the earlier root.
void Rewriter::sort_by_merit(const Round& round, std::vector<uint32_t>& candidates) {
  sort(round, candidates, [](const Candidate& candidate) {
    return uint64_t{UINT32_MAX - candidate.match.length()} << 32 | candidate.entry;
  });
}

void Rewriter::sort_to_apply(const Round& round, std::vector<uint32_t>& candidates) {
  sort(round, candidates, [](const Candidate& candidate) { return uint64_t{candidate.place}; });
}

/// By a number, then by the roots' canonical order.
template <class Number>
void Rewriter::sort(const Round& round, std::vector<uint32_t>& candidates, const Number& number) {
  struct Key {
    uint64_t number;
    uint32_t depth;
    uint32_t index;
  };
  std::vector<Key> keys;
  keys.reserve(candidates.size());
  const auto root_of = [&](uint32_t index) -> const Node& { return round.candidates[index].match.root(); };
  for (const uint32_t index : candidates) {
    const uint32_t root = round.consumed_by(round.candidates[index]).front();
    keys.push_back({number(round.candidates[index]), round.order.depth(root), index});
  }
  std::stable_sort(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
    if (a.number != b.number) return a.number < b.number;
    if (a.depth != b.depth) return a.depth < b.depth;
    return round.order.less(root_of(a.index), root_of(b.index));
  });
  for (size_t i = 0; i < keys.size(); ++i) candidates[i] = keys[i].index;
}

/// Returns those that declined.
std::vector<uint32_t> Rewriter::apply(Round& round, const std::vector<uint32_t>& chosen) const {
  std::vector<uint32_t> refused;
  Graft graft(round.module);
  round.report.applied.reserve(round.report.applied.size() + chosen.size());
  round.touched.reserve(round.touched.size() + kTouchedByGraft * chosen.size());
  for (const uint32_t index : chosen) {
    graft.reset();
    Candidate& candidate = round.candidates[index];
    const Entry& entry = entries_[candidate.entry];
    const std::span<Node* const> consumed = candidate.match.nodes();
    const auto gone = std::find_if(consumed.begin(), consumed.end(), [](const Node* node) { return !node->alive(); });
    if (gone != consumed.end()) {
      round.report.skipped.push_back({entry.name,
                                      candidate.match.root().name(),
                                      cat("%", (*gone)->name().str(), " went with an earlier match"),
                                      {},
                                      candidate.match.root().id()});
      continue;
    }
    round.effort.spend(kStepsOfGraft);
    candidate.match.refresh();
    Node& root = candidate.match.root();
    AppliedMatch done{entry.name, {}, {}};
    done.replaced.reserve(consumed.size());
    for (const Node* node : consumed) done.replaced.push_back(node->name());
    Outcome outcome = declined("");
    try {
      outcome = entry.pattern->graft(candidate.match, graft);
      if (outcome) outcome = graft.check();
      if (outcome) {
        graft.commit();
        graft.visit_touched([&](Node& node) { round.touched.push_back(&node); });
        if (const Node* now = root.resolve()) done.result = now->name();
      }
    } catch (const InternalError&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const Error& error) {
      outcome = declined(error.message());
    } catch (const std::exception& error) {
      outcome = declined(error.what());
    }
    if (outcome) {
      round.report.applied.push_back(std::move(done));
    } else {
      round.report.skipped.push_back({entry.name, root.name(), outcome.reason(), {}, root.id()});
      refused.push_back(index);
    }
  }
  return refused;
}

}  // namespace graftwork::core
