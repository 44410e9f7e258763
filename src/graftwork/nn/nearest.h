// Rounding in loops that the compiler makes vectors of.
#pragma once

namespace graftwork::core {

/// Rounds to the nearest, halves to even, by what f32 has no digits for; for numbers between ±2²².
inline float nearest(float x) {
  constexpr float kNoFraction = 12582912;  // 1.5 · 2²³
  return (x + kNoFraction) - kNoFraction;
}

}  // namespace graftwork::core
