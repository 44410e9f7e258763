// The invariants of a GraphModule, checked.
#pragma once

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Throws InternalError at the first broken rule: order is topological, uses and inputs agree, each name stands for one
/// value, records and their children exist, parameters are those of the kind, types are what the kinds infer, one
/// output stands last. O(nodes + uses).
void verify(const GraphModule& module);

}  // namespace graftwork::core
