// Why a node became what it became, or did not fuse.
#pragma once

#include <string>
#include <vector>

#include "graftwork/patterns/transform.h"

namespace graftwork::core {

/// A pattern that could have taken the node.
struct NearestMiss {
  Symbol pattern;
  Symbol anchor;        ///< Where its tree was tried.
  std::string reason;   ///< What was in the way there, at the deepest point that any attempt reached.
  bool is_near = true;  ///< Its operators fitted, something else was in the way.
};

struct Explanation {
  std::string node;                   ///< "%relu = aten.relu.default, of layer1.0.relu"
  std::vector<AppliedMatch> history;  ///< What was done with it, in order.
  std::string outcome;                ///< "is left as it is: %relu = nn.ReLU"
  std::vector<NearestMiss> misses;    ///< Empty when it was fused; where some are near, only those.

  std::string text() const;
};

/// Follows the value `name`, or all values of the module at the path `name`, through `transform`. Throws Error
/// "explain.node" when neither the network nor a stage of it has one, with names that are like it.
std::vector<Explanation> explain(const GraphModule& module, Symbol name,
                                 const PatternSections& lists = active_patterns());

}  // namespace graftwork::core
