// `graftwork transform`: the fused graph, printed, and what was and was not done to get there.
#pragma once

#include <string>
#include <vector>

#include "graftwork/cli/requests.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork::core::cli {

/// Transforms the network and writes graph and report as `request` asks. `unsupported` are the operators that cannot be
/// exported, one a line.
void transform(const GraphModule& module, const std::vector<std::string>& unsupported, const TransformRequest& request);

}  // namespace graftwork::core::cli
