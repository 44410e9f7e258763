// How often magnitudes occur: what a range better than the largest magnitude is found from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace graftwork {

/// Counts of |x| in equal bins over [0, 2^k), with the smallest k that holds everything. A range that is too small
/// doubles, two bins become one: so counts are those of one histogram over all values, in whatever order and parts they
/// came. Zeros are left out: any scale keeps them.
class Histogram {
 public:
  static constexpr int kBins = 4096;

  /// Values of no magnitude above `amax`, all finite.
  void add(std::span<const float> values, float amax);
  void merge(const Histogram& other);

  /// The magnitude in [amax/8, amax] that symmetric quantization to ±`levels` best ends at: with scale = it / levels,
  /// the expected squared error over all values, rounded inside and clipped beyond, is least. `amax` where nothing was
  /// counted.
  float least_squares_amax(float amax, int levels) const;

 private:
  void cover(int exponent);

  /// Range is [0, 2^exponent_).
  int exponent_ = 0;
  std::vector<uint64_t> counts_;
};

}  // namespace graftwork
