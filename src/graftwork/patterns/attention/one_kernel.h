// What attention takes to be one kernel, in any precision.
#pragma once

#include <cstdint>

#include "graftwork/ir/graph.h"

namespace graftwork::core {

/// Rule M1, of the numbers that a head has.
constexpr bool is_head_of_one_kernel(int64_t size) { return size >= 16 && size <= 256 && size % 8 == 0; }

/// Whether the attention is of one head of one sample: nothing but extents of 1 stands in front of the matrices of its
/// queries, keys and values.
bool is_single_head(const Node& attention);

}  // namespace graftwork::core
