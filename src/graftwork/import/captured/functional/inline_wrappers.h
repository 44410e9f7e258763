// Subgraphs that only switch autograd or autocast off are part of the graph around them.
#pragma once

#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// Puts the calls of every `wrap_with_*` subgraph, at any depth, in the place of its call. Names stay unless two graphs
/// use the same. A call that does not fit its subgraph stays as it is.
void inline_wrappers(Program& program);

}  // namespace graftwork::core::captured
