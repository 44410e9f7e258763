// Sizes that are known at run time, as numbers that stand for them for a while.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "graftwork/ir/type.h"

namespace graftwork::core::captured {

/// Two sets of numbers for the symbols of some sizes. Different symbols differ in both, and from any size that occurs.
class RunTimeSizes {
 public:
  static constexpr size_t kSets = 2;
  /// What is larger may stand for a size, be it less by some thousands.
  static constexpr int64_t kLargestFixed = 4096;

  /// A size that may occur in what is run.
  void add(const Dim& size);
  /// Whether there is any symbol.
  bool any() const { return !bases_.empty(); }
  /// The number that stands for `size`; nothing when its symbol was not added or there are too many.
  std::optional<int64_t> value(const Dim& size, size_t set) const;
  /// What is of these numbers, one in each set, is of that size.
  void learn(std::array<int64_t, kSets> numbers, const Dim& size);
  /// The size that is `numbers[i]` in set i: a sum or product of what was added, or one that was learned.
  /// Nothing when there is none.
  std::optional<Dim> size(std::array<int64_t, kSets> numbers) const;

 private:
  std::vector<Symbol> bases_;
  std::vector<Dim> sizes_;
  std::map<std::array<int64_t, kSets>, Dim> learned_;
};

}  // namespace graftwork::core::captured
