// Where a value that is exactly zero must stay so.
#pragma once

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Whether the value leads, through operators and modules without weights, into a logarithm, a normalization or a
/// division by it: where silence would be 0 and becomes a small number, these make a large one of it. O(nodes) at most.
bool zeros_matter_behind(const GraphModule& module, const Node& value);

}  // namespace graftwork::core
