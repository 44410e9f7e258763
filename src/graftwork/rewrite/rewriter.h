// Drives a list of patterns over a network.
#pragma once

#include <vector>

#include "graftwork/rewrite/pattern.h"
#include "graftwork/rewrite/report.h"

namespace graftwork {

/// Finds all matches of a round, settles overlaps, carries out what is left. In a round a node belongs to
/// at most one match: the longer match wins, then the earlier pattern, then the earlier root in canonical
/// order. A loser is tried again around the winners. The result does not depend on node order.
class Rewriter {
 public:
  explicit Rewriter(PatternList patterns);

  /// One round: what a round creates is not matched again.
  Report run_once(GraphModule& module) const;
  /// Rounds until nothing changes. Throws Error "rewrite.endless" when patterns undo one another.
  Report run_to_fixpoint(GraphModule& module) const;

 private:
  struct Entry {
    std::shared_ptr<const Pattern> pattern;
    Symbol name;
    Tree tree;
  };
  struct Candidate {
    Match match;
    uint32_t entry = 0;
  };
  struct Round;

  void find(Round& round, Node& node) const;
  std::vector<Candidate> select(Round& round) const;
  std::vector<Candidate> in_canonical_order(const Round& round, std::vector<Candidate> candidates) const;
  void apply(Round& round, std::vector<Candidate>& chosen) const;
  bool run_round(GraphModule& module, std::vector<Node*>& open, Report& report) const;
  std::vector<Node*> neighbourhood(std::vector<Node*> touched) const;

  std::vector<Entry> entries_;
  std::vector<std::vector<uint32_t>> by_op_;  // symbol id → entries
  uint32_t depth_ = 0;
  bool several_roots_ = false;  // some tree has them
};

}  // namespace graftwork
