// Sums that do not depend on the order of what is added, nor on which thread adds what: adding integers is exact.
#pragma once

#include <algorithm>
#include <cmath>

namespace graftwork::core {

/// 63 bits in front of the point and 64 behind it.
__extension__ using Fixed = __int128;

inline constexpr int kFractionBits = 64;

/// What is beyond ±`largest` counts as that, which leaves room for 2⁶³ / `largest` of them.
inline Fixed to_fixed(double value, double largest) {
  return static_cast<Fixed>(std::ldexp(std::clamp(value, -largest, largest), kFractionBits));
}

inline double to_double(Fixed sum) { return std::ldexp(static_cast<double>(sum), -kFractionBits); }

}  // namespace graftwork::core
