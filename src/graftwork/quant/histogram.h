// How often magnitudes occur.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace graftwork::core {

/// Counts of |x| in equal bins over [0, 2^k), with the smallest k that holds everything. A range that is too small
/// doubles, two bins become one: so counts are those of one histogram over all values, in whatever order and parts they
/// came. Zeros are counted apart: any scale keeps them.
class Histogram {
 public:
  static constexpr int kBins = 4096;

  /// Values of no magnitude above `amax`, all finite.
  void add(std::span<const float> values, float amax);
  void merge(const Histogram& other);

  /// Counts of the bins up to the last that is not empty.
  std::span<const uint64_t> counts() const;
  uint64_t zeros() const { return zeros_; }
  /// Of a bin: bin i holds magnitudes in [i · width, (i + 1) · width), without 0.
  double width() const;
  uint64_t total() const;
  /// Share of all values, zeros too, whose bin begins at `magnitude` or above.
  double share_from(double magnitude) const;

  /// The range is [0, 2^exponent()).
  int exponent() const { return exponent_; }
  /// With that range and those counts, of which the last bins may be left out. Throws Error "quant.histogram" where no
  /// histogram has them.
  static Histogram restored(int exponent, std::span<const uint64_t> counts, uint64_t zeros);

 private:
  void cover(int exponent);

  int exponent_ = 0;
  std::vector<uint64_t> counts_;
  uint64_t zeros_ = 0;
};

}  // namespace graftwork::core
