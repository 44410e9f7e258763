// A transformation plan: every match that a list of patterns finds, round by round, before anything is done.
#pragma once

#include <string>
#include <vector>

#include "graftwork/rewrite/report.h"
#include "graftwork/rewrite/rewriter.h"

namespace graftwork::core {

/// A match, found and not carried out yet.
struct PlannedMatch {
  Symbol pattern;
  Symbol node;                ///< Where the tree is anchored; named as it is after the round before.
  std::vector<Symbol> nodes;  ///< What it consumes, in dataflow order; empty for one that lost a node to another.
  bool apply = true;
  /// The pattern that took a node of this match, which is why `apply` is false. As long as it stands here, the match
  /// comes back when that one is switched off.
  Symbol winner;
};

/// What one round does.
struct PlannedRound {
  Symbol phase;  ///< "conversions" or "fusions".
  std::vector<PlannedMatch> matches;

  /// The matches that a round has carried out and those that lost a node to them.
  static PlannedRound of(Symbol phase, const Report& report);
  /// Admits what is switched on, and losers. The plan must outlive it.
  MatchFilter filter() const;
  /// Adds a skipped match to `report` for each match that is switched on and that `report` has not seen.
  void note_unmatched(Report& report) const;
};

struct TransformationPlan {
  std::string graph;  ///< Fingerprint of the network that it was made for.
  std::vector<PlannedRound> rounds;

  /// The match of `pattern` at `node` in the first round that has one. Throws Error "plan.match" when none has.
  PlannedMatch& match(Symbol node, Symbol pattern);
  /// One match a line, by round: "apply ConvBNActPattern %relu: %conv, %bn, %relu".
  std::string text() const;
};

}  // namespace graftwork::core
