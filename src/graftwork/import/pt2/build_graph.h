// From the records of an exported program to a graph.
#pragma once

#include <string>
#include <vector>

#include "graftwork/import/pt2/load_tensors.h"
#include "graftwork/import/pt2/schema.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::pt2 {

/// Builds the graph of a program that writes nothing in place (functional/). Folded constants are added to
/// `tensors.store`. Operators that torch does not know are kept as nodes and listed in `unsupported`. Throws Error
/// "pt2.graph" when the records contradict one another.
GraphModule build_graph(const ExportedProgram& program, LoadedTensors& tensors, std::vector<std::string>& unsupported);

}  // namespace graftwork::pt2
