// `graftwork plan`: what transform and quantize would do, as a file to read, edit and replay.
#pragma once

#include "graftwork/cli/requests.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork::core::cli {

void plan(const GraphModule& module, const PlanRequest& request);

}  // namespace graftwork::core::cli
