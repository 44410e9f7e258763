#include "graftwork/quant/range_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace graftwork::core {
namespace {

float bin_end(const Histogram& histogram, size_t bin, float amax) {
  return std::min(amax, static_cast<float>(static_cast<double>(bin + 1) * histogram.width()));
}

/// ∫ (x − center)² over [begin, end].
double moment(double begin, double end, double center) {
  const double high = end - center, low = begin - center;
  return (high * high * high - low * low * low) / 3;
}

/// Squared error of values that spread evenly over their bins, when the range ends behind `bins` bins: half a step is
/// what rounding is off by at most, evenly again; what is beyond becomes the end.
double spread_error(std::span<const uint64_t> counts, double width, size_t bins, int levels) {
  const double end = static_cast<double>(bins) * width;
  const double step = end / levels;
  double sum = 0;
  for (size_t bin = 0; bin < counts.size(); ++bin) {
    if (counts[bin] == 0) continue;
    const double begin = static_cast<double>(bin) * width;
    const double error = bin < bins ? step * step / 12 : moment(begin, begin + width, end) / width;
    sum += static_cast<double>(counts[bin]) * error;
  }
  return sum;
}

/// Divergence of the first `bins` bins, the last of which is not empty, with the rest in the last one, to the same put
/// together into `steps` steps, each spread evenly over those of its bins that are not empty.
double divergence(std::span<const uint64_t> counts, size_t bins, size_t steps) {
  const auto sum = [](std::span<const uint64_t> part) {
    return static_cast<double>(std::accumulate(part.begin(), part.end(), uint64_t{0}));
  };
  const double inside = sum(counts.first(bins)), beyond = sum(counts.subspan(bins));
  double result = 0;
  for (size_t step = 0; step < steps; ++step) {
    const std::span<const uint64_t> part =
        counts.subspan(step * bins / steps, (step + 1) * bins / steps - step * bins / steps);
    const auto filled = static_cast<double>(part.size()) - static_cast<double>(std::ranges::count(part, 0));
    if (filled == 0) continue;
    const double coarse = sum(part) / filled / inside;
    for (size_t i = 0; i < part.size(); ++i) {
      const bool is_last = step + 1 == steps && i + 1 == part.size();
      const double fine = (static_cast<double>(part[i]) + (is_last ? beyond : 0)) / (inside + beyond);
      if (part[i] > 0) result += fine * std::log(fine / coarse);
    }
  }
  return result;
}

}  // namespace

float least_squares_end(const Histogram& histogram, float amax, int levels) {
  const std::span<const uint64_t> counts = histogram.counts();
  if (counts.empty()) return amax;
  const double width = histogram.width();
  const auto error_of = [&](double end) {
    const double scale = end / levels;
    double sum = 0;
    for (size_t bin = 0; bin < counts.size(); ++bin) {
      if (counts[bin] == 0) continue;
      const double value = (static_cast<double>(bin) + 0.5) * width;
      const double code = std::min(std::nearbyint(value / scale), static_cast<double>(levels));
      const double error = value - code * scale;
      sum += static_cast<double>(counts[bin]) * error * error;
    }
    return sum;
  };
  constexpr int kSteps = 128;
  int best = kSteps;
  double least = error_of(amax);
  for (int step = kSteps - 1; step >= kSteps / 8; --step) {
    const double error = error_of(static_cast<double>(amax) * step / kSteps);
    if (error >= least) continue;
    least = error;
    best = step;
  }
  return amax * (static_cast<float>(best) / kSteps);
}

float narrowed_end(const Histogram& histogram, float amax, int levels) {
  constexpr double kStep = 1e-5;
  const std::span<const uint64_t> counts = histogram.counts();
  if (counts.empty()) return amax;
  const auto step = std::max<uint64_t>(1, static_cast<uint64_t>(kStep * static_cast<double>(histogram.total())));
  size_t bins = counts.size();
  double least = spread_error(counts, histogram.width(), bins, levels);
  while (bins > 1) {
    size_t narrower = bins;
    for (uint64_t clipped = 0; narrower > 1 && clipped < step;) clipped += counts[--narrower];
    const double error = spread_error(counts, histogram.width(), narrower, levels);
    if (error >= least) break;
    least = error;
    bins = narrower;
  }
  return bin_end(histogram, bins - 1, amax);
}

uint64_t percentile_place(uint64_t count, double percent) {
  constexpr double kRounding = 1e-6;  // 99.99 is no binary number
  const double place = std::ceil(static_cast<double>(count) * percent / 100 - kRounding);
  return std::clamp<uint64_t>(static_cast<uint64_t>(std::max(place, 1.0)), 1, count);
}

float percentile_end(const Histogram& histogram, float amax, double percent) {
  const std::span<const uint64_t> counts = histogram.counts();
  if (counts.empty()) return amax;
  const uint64_t wanted = percentile_place(histogram.total(), percent);
  uint64_t below = histogram.zeros();
  for (size_t bin = 0; bin < counts.size(); ++bin) {
    below += counts[bin];
    if (counts[bin] > 0 && below >= wanted) return bin_end(histogram, bin, amax);
  }
  return amax;
}

float least_divergence_end(const Histogram& histogram, float amax, int levels) {
  const std::span<const uint64_t> counts = histogram.counts();
  const size_t steps = static_cast<size_t>(levels) + 1;
  constexpr size_t kStride = 16;
  size_t best = counts.size();
  double least = std::numeric_limits<double>::infinity();
  for (size_t candidate = counts.size(); candidate >= steps; candidate -= kStride) {
    size_t bins = candidate;
    while (counts[bins - 1] == 0 && bins > steps) --bins;
    if (counts[bins - 1] == 0) break;
    const double found = divergence(counts, bins, steps);
    if (found >= least) continue;
    least = found;
    best = bins;
  }
  return best == counts.size() ? amax : bin_end(histogram, best - 1, amax);
}

}  // namespace graftwork::core
