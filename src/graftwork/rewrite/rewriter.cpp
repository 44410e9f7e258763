#include "graftwork/rewrite/rewriter.h"

#include <algorithm>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {

/// Everything that one round needs; lives on the stack of run_round.
struct Rewriter::Round {
  Round(GraphModule& m, Report& r) : module(m), report(r), order(m), matcher({&m, &order, &taken}) {}

  GraphModule& module;
  Report& report;
  CanonicalOrder order;
  std::vector<bool> taken;  // by arena index: consumed by a chosen match
  Matcher matcher;
  std::vector<Candidate> candidates;
  std::vector<SkippedMatch> near_misses;
  std::vector<Node*> touched;
};

namespace {

std::vector<Node*> all_nodes(const GraphModule& module) {
  std::vector<Node*> nodes;
  for (Node& node : module.graph().nodes()) nodes.push_back(&node);
  return nodes;
}

}  // namespace

Rewriter::Rewriter(PatternList patterns) {
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
    entries_.push_back({std::move(pattern), name, std::move(tree)});
  }
}

Report Rewriter::run_once(GraphModule& module) const {
  Report report;
  std::vector<Node*> open = all_nodes(module);
  run_round(module, open, report);
  return report;
}

Report Rewriter::run_to_fixpoint(GraphModule& module) const {
  Report report;
  std::vector<Node*> open = all_nodes(module);
  const size_t limit = 10 * open.size() + 100;
  while (run_round(module, open, report)) {
    // A node that is looked at again gets a new answer.
    std::unordered_set<uint32_t> again;
    for (const Node* node : open) again.insert(node->id().index);
    std::erase_if(report.skipped, [&](const SkippedMatch& miss) { return again.contains(miss.anchor.index); });
    if (report.applied.size() > limit) {
      throw Error("rewrite.endless", cat("patterns undo one another: ", report.applied.back().pattern.str(), " and ",
                                         report.applied[report.applied.size() - 2].pattern.str(), " still match after ",
                                         limit, " grafts"));
    }
  }
  return report;
}

bool Rewriter::run_round(GraphModule& module, std::vector<Node*>& open, Report& report) const {
  Round round(module, report);
  const size_t before = report.applied.size();
  for (Node* node : open) find(round, *node);
  std::vector<Candidate> chosen = select(round);
  apply(round, chosen);
  for (SkippedMatch& miss : round.near_misses) report.skipped.push_back(std::move(miss));
  open = neighbourhood(std::move(round.touched));
  return report.applied.size() > before;
}

/// What may match now: changed nodes, and readers as far down as a tree reaches. The anchor of a tree of several
/// roots may stand on another branch, so then first as far up.
std::vector<Node*> Rewriter::neighbourhood(std::vector<Node*> touched) const {
  std::unordered_set<Node*> above;
  for (uint32_t level = 0; several_roots_ && level <= depth_; ++level) {
    const std::vector<Node*> reached = touched;
    for (Node* node : reached) {
      if (!above.insert(node).second) continue;
      for (const Use& use : node->inputs()) {
        if (use.producer()) touched.push_back(use.producer());
      }
    }
  }
  std::unordered_set<Node*> seen;
  std::vector<Node*> open;
  for (uint32_t level = 0; level <= depth_ && !touched.empty(); ++level) {
    std::vector<Node*> next;
    for (Node* node : touched) {
      if (!node->alive() || !seen.insert(node).second) continue;
      open.push_back(node);
      for (const Use* use = node->uses(); use; use = use->next()) next.push_back(use->user());
    }
    touched = std::move(next);
  }
  return open;
}

void Rewriter::find(Round& round, Node& node) const {
  if (!node.alive() || node.op().id() >= by_op_.size() || by_op_[node.op().id()].empty()) return;
  uint64_t operand_ops = 0;
  for (const Use& use : node.inputs()) operand_ops |= Tree::op_bit(use.producer()->op());
  for (const uint32_t index : by_op_[node.op().id()]) {
    const Tree& tree = entries_[index].tree;
    if (!tree.may_match(operand_ops)) continue;
    Candidate candidate;
    candidate.entry = index;
    if (round.matcher.find(tree, node, candidate.match)) {
      round.candidates.push_back(std::move(candidate));
    } else if (round.matcher.failure().is_near_miss()) {
      round.near_misses.push_back({entries_[index].name, node.name(), round.matcher.failure().text(), {}, node.id()});
    }
  }
}

std::vector<Rewriter::Candidate> Rewriter::select(Round& round) const {
  constexpr uint32_t kFree = 0;
  std::vector<Candidate> chosen;
  std::vector<uint32_t> winner_of(round.order.size(), kFree);  // arena index → index into chosen + 1
  round.taken.assign(round.order.size(), false);
  const auto index_of = [](const Node* node) { return static_cast<size_t>(node->id().index); };
  const auto better = [&](const Candidate& a, const Candidate& b) {
    if (a.match.length() != b.match.length()) return a.match.length() > b.match.length();
    if (a.entry != b.entry) return a.entry < b.entry;
    return round.order.less(a.match.root(), b.match.root());
  };
  const auto choose = [&](Candidate& candidate) {
    for (const Node* node : candidate.match.nodes()) {
      winner_of[index_of(node)] = static_cast<uint32_t>(chosen.size() + 1);
      round.taken[index_of(node)] = true;
    }
    chosen.push_back(std::move(candidate));
  };
  while (!round.candidates.empty()) {
    // Nearly all matches share no node with another: only the rest needs an order of merit.
    std::vector<uint32_t> claims(round.order.size(), 0);
    for (const Candidate& candidate : round.candidates) {
      for (const Node* node : candidate.match.nodes()) ++claims[index_of(node)];
    }
    std::vector<Candidate> contested;
    for (Candidate& candidate : round.candidates) {
      const std::vector<Node*>& nodes = candidate.match.nodes();
      const bool alone =
          std::all_of(nodes.begin(), nodes.end(), [&](const Node* node) { return claims[index_of(node)] == 1; });
      if (alone) {
        choose(candidate);
      } else {
        contested.push_back(std::move(candidate));
      }
    }
    std::stable_sort(contested.begin(), contested.end(), better);
    std::vector<Candidate> losers;
    for (Candidate& candidate : contested) {
      const std::vector<Node*>& nodes = candidate.match.nodes();
      const auto taken = std::find_if(nodes.begin(), nodes.end(),
                                      [&](const Node* node) { return winner_of[index_of(node)] != kFree; });
      if (taken == nodes.end()) {
        choose(candidate);
        continue;
      }
      const Symbol winner = entries_[chosen[winner_of[index_of(*taken)] - 1].entry].name;
      round.near_misses.push_back({entries_[candidate.entry].name, candidate.match.root().name(),
                                   cat("%", (*taken)->name().str(), " belongs to a match of ", winner.str()), winner,
                                   candidate.match.root().id()});
      losers.push_back(std::move(candidate));
    }
    round.candidates.clear();
    // Around the winners a loser may still match in another way (the other branch of a fork).
    for (Candidate& loser : losers) {
      if (round.matcher.find(entries_[loser.entry].tree, loser.match.root(), loser.match)) {
        round.candidates.push_back(std::move(loser));
      }
    }
  }
  return in_canonical_order(round, std::move(chosen));
}

std::vector<Rewriter::Candidate> Rewriter::in_canonical_order(const Round& round,
                                                              std::vector<Candidate> candidates) const {
  std::vector<Candidate*> order;
  order.reserve(candidates.size());
  for (Candidate& candidate : candidates) order.push_back(&candidate);
  std::stable_sort(order.begin(), order.end(), [&](const Candidate* a, const Candidate* b) {
    return round.order.less(a->match.root(), b->match.root());
  });
  std::vector<Candidate> sorted;
  sorted.reserve(order.size());
  for (Candidate* candidate : order) sorted.push_back(std::move(*candidate));
  return sorted;
}

void Rewriter::apply(Round& round, std::vector<Candidate>& chosen) const {
  for (Candidate& candidate : chosen) {
    const Entry& entry = entries_[candidate.entry];
    const std::vector<Node*>& consumed = candidate.match.nodes();
    const auto gone = std::find_if(consumed.begin(), consumed.end(), [](const Node* node) { return !node->alive(); });
    if (gone != consumed.end()) {
      round.report.skipped.push_back({entry.name,
                                      candidate.match.root().name(),
                                      cat("%", (*gone)->name().str(), " went with an earlier match"),
                                      {},
                                      candidate.match.root().id()});
      continue;
    }
    candidate.match.refresh();
    Node& root = candidate.match.root();
    AppliedMatch done{entry.name, {}, {}};
    for (const Node* node : candidate.match.nodes()) done.replaced.push_back(node->name());
    Outcome outcome = declined("");
    try {
      Graft graft(round.module);
      outcome = entry.pattern->graft(candidate.match, graft);
      if (outcome) outcome = graft.check();
      if (outcome) {
        graft.commit([&](Node& node) { round.touched.push_back(&node); });
        if (const Node* now = root.resolve()) done.result = now->name();
      }
    } catch (const InternalError&) {
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
    }
  }
}

}  // namespace graftwork
