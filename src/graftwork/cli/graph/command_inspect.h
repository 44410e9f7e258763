// `graftwork inspect`: what a network is, without changing it.
#pragma once

#include <string>
#include <vector>

#include "graftwork/cli/requests.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork::core::cli {

/// Prints the network as `request` asks. `unsupported` are the operators that cannot be exported, one a line.
void inspect(const GraphModule& module, const std::vector<std::string>& unsupported, const InspectRequest& request);

}  // namespace graftwork::core::cli
