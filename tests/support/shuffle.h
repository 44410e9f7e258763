// The same network, stored in another order.
#pragma once

#include <cstdint>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core::testing {

/// A copy of `module` whose nodes stand in a random topological order. Inputs keep their order, as that is the
/// network's signature; nothing else changes.
GraphModule shuffled(const GraphModule& module, uint64_t seed);

}  // namespace graftwork::core::testing
