#include "graftwork/import/captured/decompose/run_time_sizes.h"

#include <algorithm>

namespace graftwork::core::captured {
namespace {

// Primes, so that a product says what it is of, and larger than most sizes that networks have.
constexpr std::array<std::array<int64_t, 8>, RunTimeSizes::kSets> kNumbers{
    {{10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079},
     {20011, 20021, 20023, 20029, 20047, 20051, 20063, 20071}}};

}  // namespace

void RunTimeSizes::add(const Dim& size) {
  if (size.is_static() || std::find(sizes_.begin(), sizes_.end(), size) != sizes_.end()) return;
  sizes_.push_back(size);
  if (std::find(bases_.begin(), bases_.end(), size.base()) == bases_.end()) bases_.push_back(size.base());
}

std::optional<int64_t> RunTimeSizes::value(const Dim& size, size_t set) const {
  if (size.is_static()) return size.value();
  const auto index = static_cast<size_t>(std::find(bases_.begin(), bases_.end(), size.base()) - bases_.begin());
  if (index >= kNumbers[set].size() || index >= bases_.size()) return std::nullopt;
  int64_t product = 0, sum = 0;
  if (__builtin_mul_overflow(size.scale(), kNumbers[set][index], &product) ||
      __builtin_add_overflow(product, size.offset(), &sum) || sum < 0) {
    return std::nullopt;
  }
  return sum;
}

void RunTimeSizes::learn(std::array<int64_t, kSets> numbers, const Dim& size) {
  if (numbers[0] != numbers[1] && !size.is_static()) learned_.emplace(numbers, size);
}

std::optional<Dim> RunTimeSizes::size(std::array<int64_t, kSets> numbers) const {
  if (numbers[0] == numbers[1]) return Dim(numbers[0]);
  constexpr int64_t kMost = int64_t{1} << 48;  // with which the rest computes
  for (const int64_t number : numbers) {
    if (number < -kMost || number > kMost) return std::nullopt;
  }
  if (const auto known = learned_.find(numbers); known != learned_.end()) return known->second;
  const auto is = [&](const Dim& candidate) {
    for (size_t set = 0; set < kSets; ++set) {
      if (value(candidate, set) != numbers[set]) return false;
    }
    return true;
  };
  for (const Dim& candidate : sizes_) {
    if (is(candidate)) return candidate;
  }
  for (size_t i = 0; i < std::min(bases_.size(), kNumbers[0].size()); ++i) {  // scale · base + offset
    const int64_t step = kNumbers[1][i] - kNumbers[0][i];
    if ((numbers[1] - numbers[0]) % step != 0) continue;
    const int64_t scale = (numbers[1] - numbers[0]) / step;
    const int64_t offset = numbers[0] - scale * kNumbers[0][i];
    if (scale > 0 && offset > -kNumbers[0][i] && offset < kNumbers[0][i])
      return Dim::symbol(bases_[i]) * Dim(scale) + Dim(offset);
  }
  for (const Dim& one : sizes_) {  // scale · a · b
    for (const Dim& other : sizes_) {
      std::array<int64_t, kSets> scales{};
      bool divides = true;
      for (size_t set = 0; set < kSets && divides; ++set) {
        const auto a = value(one, set), b = value(other, set);
        divides = a && b && *a > 0 && *b > 0 && numbers[set] % *a == 0 && (numbers[set] / *a) % *b == 0;
        if (divides) scales[set] = numbers[set] / *a / *b;
      }
      if (divides && scales[0] == scales[1]) return one * other * Dim(scales[0]);
    }
  }
  return std::nullopt;
}

}  // namespace graftwork::core::captured
