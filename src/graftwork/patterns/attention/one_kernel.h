// What attention takes to be one kernel, in any precision.
#pragma once

#include <cstdint>

namespace graftwork {

/// Rule M1, of the numbers that a head has.
constexpr bool is_head_of_one_kernel(int64_t size) { return size >= 16 && size <= 256 && size % 8 == 0; }

}  // namespace graftwork
