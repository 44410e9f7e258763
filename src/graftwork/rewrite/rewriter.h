// Drives a list of patterns over a network.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "graftwork/match/match_budget.h"
#include "graftwork/rewrite/pattern.h"
#include "graftwork/rewrite/report.h"

namespace graftwork::core {

/// Which of the matches that are carried out a match of `pattern` anchored at a node is; nothing when it is none.
using MatchFilter = std::function<std::optional<uint32_t>(Symbol pattern, const Node& anchor)>;
/// Gets the report of each round as it ends.
using RoundWatcher = std::function<void(const Report& round)>;

/// Finds all matches of a round, settles overlaps, carries out what is left. In a round a node belongs to
/// at most one match: the longer match wins, then the earlier pattern, then the earlier root in canonical
/// order. A loser is tried again around the winners. The result does not depend on node order. A run throws Error
/// "rewrite.effort" where its patterns try more than they may (MatchBudget); the graph is then somewhere between two
/// rounds.
class Rewriter {
 public:
  /// `budget`: shared with other runs, which must outlive this; null: each run has one of its own.
  explicit Rewriter(PatternList patterns, MatchBudget* budget = nullptr);

  /// One round: what a round creates is not matched again. With a filter the matches that it knows take part, and are
  /// carried out in its order.
  Report run_once(GraphModule& module, const MatchFilter& filter = {}) const;
  /// Rounds until nothing changes. Throws Error "rewrite.endless" when patterns undo one another.
  Report run_to_fixpoint(GraphModule& module, const RoundWatcher& watcher = {}) const;

 private:
  struct Entry {
    std::shared_ptr<const Pattern> pattern;
    Symbol name;
    Tree tree;
  };
  struct Candidate;
  struct Loser;
  struct Round;
  struct Effort;

  std::vector<Node*> run_round(GraphModule& module, const std::vector<Node*>* open, const MatchFilter& filter,
                               Effort& effort, Report& report) const;
  void find(Round& round, Node& node) const;
  bool match(Round& round, uint32_t entry, Node& anchor, Match& match) const;
  std::vector<uint32_t> select(Round& round) const;
  static void sort_by_merit(const Round& round, std::vector<uint32_t>& candidates);
  static void sort_to_apply(const Round& round, std::vector<uint32_t>& candidates);
  template <class Number>
  static void sort(const Round& round, std::vector<uint32_t>& candidates, const Number& number);
  std::vector<uint32_t> losers_to(Round& round, const std::vector<uint32_t>& declined) const;
  std::vector<uint32_t> apply(Round& round, const std::vector<uint32_t>& chosen) const;
  std::vector<Node*> neighbourhood(const GraphModule& module, std::vector<Node*> touched, const Report& report) const;

  MatchBudget* budget_;
  std::vector<Entry> entries_;
  std::vector<std::vector<uint32_t>> by_op_;  // symbol id → entries
  uint32_t depth_ = 0;
  bool several_roots_ = false;       // some tree has them
  std::vector<Symbol> far_looking_;  // names of patterns
};

}  // namespace graftwork::core
