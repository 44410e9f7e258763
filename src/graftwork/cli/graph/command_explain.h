// `graftwork explain`: what became of one value or module, and what was in the way of fusing it.
#pragma once

#include "graftwork/cli/requests.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork::core::cli {

void explain(const GraphModule& module, const ExplainRequest& request);

}  // namespace graftwork::core::cli
