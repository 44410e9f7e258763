// What a rewriter did and did not do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graftwork/base/symbol.h"
#include "graftwork/ir/graph.h"

namespace graftwork::core {

struct AppliedMatch {
  Symbol pattern;
  Symbol result;                 ///< Name of the node that took the place; empty when nothing did.
  std::vector<Symbol> replaced;  ///< Names of the nodes that the match consumed, last first.
};

struct SkippedMatch {
  Symbol pattern;
  Symbol node;         ///< Name of the node where the tree was anchored.
  std::string reason;  ///< Empty where another match won; why() tells in either case.
  Symbol winner;       ///< The pattern whose match took a node of this one; empty for other reasons.
  NodeId anchor;       ///< The node itself, as long as it is there.
  Symbol taken = {};   ///< Name of the node that the winner took.

  /// "%conv belongs to a match of ConvBNActPattern". Overlaps are many, and few are read: they are put into words here.
  std::string why() const;
};

struct Report {
  std::vector<AppliedMatch> applied;
  std::vector<SkippedMatch> skipped;

  /// Matches applied per pattern, in the order of names.
  std::map<std::string, size_t> counts() const;
  void append(Report&& other);
  /// "ConvBNActPattern  %conv, %bn, %relu → %fused_conv_bn_act_0", one a line. Overlap losers are left out.
  std::string text() const;
};

}  // namespace graftwork::core
