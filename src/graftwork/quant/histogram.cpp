#include "graftwork/quant/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "graftwork/base/error.h"

namespace graftwork::core {
namespace {

/// Smaller magnitudes share one range: its bins must be normal numbers for the sums below to be exact.
constexpr int kSmallestExponent = -100;

/// Least k with amax < 2^k.
int exponent_of(float amax) {
  int exponent = 0;
  std::frexp(amax, &exponent);
  return std::max(exponent, kSmallestExponent);
}

}  // namespace

void Histogram::add(std::span<const float> values, float amax) {
  if (amax == 0) {
    zeros_ += values.size();
    return;
  }
  cover(exponent_of(amax));
  const float bins_per_unit = std::ldexp(static_cast<float>(kBins), -exponent_);
  // Neighbours are often equal: counting in turn into four tables keeps an increment from waiting for the one before.
  // With 16 bits all of them stay in the nearest cache.
  constexpr size_t kTables = 4;
  constexpr size_t kStride = kBins + 32;  // one more bin for zeros: a magnitude in (0, width) has bin 1
  constexpr size_t kMostAtOnce = kTables * (size_t{15} << 12);
  constexpr size_t kBlock = 64;  // so few that bins of the next are computed while these are counted
  std::vector<uint16_t> tables(kTables * kStride);
  std::array<int32_t, kBlock> bins;
  while (!values.empty()) {
    const auto part = values.first(std::min(values.size(), kMostAtOnce));
    values = values.subspan(part.size());
    for (size_t begin = 0; begin < part.size(); begin += kBlock) {
      const size_t count = std::min(kBlock, part.size() - begin);
      for (size_t i = 0; i < count; ++i) {
        const float magnitude = std::fabs(part[begin + i]);
        bins[i] = static_cast<int32_t>(magnitude * bins_per_unit) + (magnitude > 0 ? 1 : 0);
      }
      size_t i = 0;
      for (; i + kTables <= count; i += kTables) {
        for (size_t table = 0; table < kTables; ++table)
          ++tables[table * kStride + static_cast<size_t>(bins[i + table])];
      }
      for (; i < count; ++i) ++tables[static_cast<size_t>(bins[i])];
    }
    for (size_t bin = 0; bin < kBins; ++bin) {
      uint32_t sum = 0;
      for (size_t table = 0; table < kTables; ++table) sum += tables[table * kStride + bin + 1];
      counts_[bin] += sum;
    }
    for (size_t table = 0; table < kTables; ++table) zeros_ += tables[table * kStride];
    std::fill(tables.begin(), tables.end(), 0);
  }
}

void Histogram::merge(const Histogram& other) {
  zeros_ += other.zeros_;
  if (other.counts_.empty()) return;
  Histogram wider = other;
  cover(wider.exponent_);
  wider.cover(exponent_);
  for (size_t bin = 0; bin < kBins; ++bin) counts_[bin] += wider.counts_[bin];
}

Histogram Histogram::restored(int exponent, std::span<const uint64_t> counts, uint64_t zeros) {
  if (exponent < kSmallestExponent || exponent > std::numeric_limits<float>::max_exponent || counts.size() > kBins)
    throw Error("quant.histogram", "there is no histogram of that range or with so many bins");
  Histogram result;
  result.zeros_ = zeros;
  if (counts.empty()) return result;
  result.exponent_ = exponent;
  result.counts_.assign(counts.begin(), counts.end());
  result.counts_.resize(kBins);
  return result;
}

void Histogram::cover(int exponent) {
  if (counts_.empty()) {
    counts_.resize(kBins);
    exponent_ = exponent;
  }
  for (; exponent_ < exponent; ++exponent_) {
    for (size_t bin = 0; bin < kBins; ++bin) {
      const uint64_t pair = 2 * bin < kBins ? counts_[2 * bin] + counts_[2 * bin + 1] : 0;
      counts_[bin] = pair;
    }
  }
}

std::span<const uint64_t> Histogram::counts() const {
  size_t used = counts_.size();
  while (used > 0 && counts_[used - 1] == 0) --used;
  return {counts_.data(), used};
}

double Histogram::width() const { return std::ldexp(1.0, exponent_) / kBins; }

uint64_t Histogram::total() const { return std::accumulate(counts_.begin(), counts_.end(), zeros_); }

double Histogram::share_from(double magnitude) const {
  const uint64_t all = total();
  if (all == 0) return 0;
  const double first = std::ceil(magnitude / width());
  const auto begin = static_cast<std::ptrdiff_t>(std::clamp(first, 0.0, static_cast<double>(counts_.size())));
  return static_cast<double>(std::accumulate(counts_.begin() + begin, counts_.end(), uint64_t{0})) /
         static_cast<double>(all);
}

}  // namespace graftwork::core
