// What reads a value, seen through the nodes that pass it on.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "graftwork/ir/graph.h"

namespace graftwork::core {

/// The reads of `value` by nodes of which `passes_on` is false, and those of what the others make of it. Nothing where
/// more than 256 nodes pass it on, so that asking for each node of a graph takes time that is linear in the graph.
std::optional<std::vector<const Use*>> reads_behind(const Node& value,
                                                    const std::function<bool(const Node&)>& passes_on);

}  // namespace graftwork::core
