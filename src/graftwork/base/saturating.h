// Sums and products of counts that files name freely.
#pragma once

#include <cstdint>
#include <limits>

namespace graftwork::core {

/// Of numbers that are not negative; the largest number where there is none so large.
inline int64_t saturating_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

/// Likewise.
inline int64_t saturating_product(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<int64_t>::max() : product;
}

}  // namespace graftwork::core
