// Subgraphs that only switch autograd or autocast off are part of the graph around them.
#pragma once

#include "graftwork/import/pt2/schema.h"

namespace graftwork::pt2 {

/// Puts the nodes of every `wrap_with_*` subgraph, at any depth, in the place of its call. Names stay unless two graphs
/// use the same. A call that does not fit its subgraph stays as it is.
void inline_wrappers(ExportedProgram& program);

}  // namespace graftwork::pt2
