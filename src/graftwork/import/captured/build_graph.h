// From the records of a captured program to a graph.
#pragma once

#include <string>
#include <vector>

#include "graftwork/import/captured/program.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core::captured {

/// Builds the graph of a program that writes nothing in place (functional/). Its stored tensors are in `tensors`, to
/// which folded constants are added; `bytes` is the size of what the program comes from, see FoldingBudget. Operators
/// that torch does not know are kept as nodes and listed in `unsupported`. Throws Error "pt2.graph" when the records
/// contradict one another.
GraphModule build_graph(const Program& program, TensorStore& tensors, size_t bytes,
                        std::vector<std::string>& unsupported);

}  // namespace graftwork::core::captured
