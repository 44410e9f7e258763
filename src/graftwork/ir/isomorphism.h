// Whether two networks are the same up to names and order.
#pragma once

#include <optional>
#include <string>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Nothing when the networks are isomorphic: same operators, attributes, parameter expressions, module
/// paths, types and wiring, results and inputs in the same order. Otherwise a sentence that names the
/// first difference, seen from the results. O(nodes + uses).
std::optional<std::string> difference(const GraphModule& a, const GraphModule& b);

}  // namespace graftwork::core
