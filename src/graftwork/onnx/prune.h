// What a lowering has left that no result needs.
#pragma once

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

/// Takes out the nodes whose results lead to no output of the graph, and the initializers that nothing reads then. What
/// stays keeps its order. Requires a graph that check_model accepts. Linear.
void prune(Graph& graph);

}  // namespace graftwork::core::onnx
