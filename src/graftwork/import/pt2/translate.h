// The records of a .pt2 file as a captured program. What only such files say ends here: targets of operators, numbers
// of element types, sympy's expressions, texts of metadata, trees of results.
#pragma once

#include "graftwork/import/captured/program.h"
#include "graftwork/import/pt2/load_tensors.h"
#include "graftwork/import/pt2/schema.h"

namespace graftwork::core::pt2 {

/// `tensors` are those of the archive. Throws Error "pt2.graph" when the signature names one that the archive has not,
/// or has with another type; "pt2.expression" and "ir.shape" for sizes that are none.
captured::Program translate(ExportedProgram exported, const LoadedTensors& tensors);

/// A graph that a higher-order operator runs.
captured::SubGraph sub_graph_of(Graph graph);

}  // namespace graftwork::core::pt2
