// How much a whole run of patterns may try.
#pragma once

#include <cstddef>
#include <cstdint>

namespace graftwork::core {

/// Steps of a search, counted and not timed, so that the same patterns end at the same place on every machine. A step
/// is a position that is bound, a reader that is looked at, a node that a round looks at: some ten nanoseconds.
class MatchBudget {
 public:
  static constexpr uint64_t kSteps = 100'000'000;
  static constexpr uint64_t kStepsPerNode = 10'000;

  /// Of a run on a graph with so many nodes.
  explicit MatchBudget(size_t nodes) : total_(kSteps + kStepsPerNode * nodes) {}

  void spend(uint64_t steps) { spent_ += steps; }
  bool is_spent() const { return spent_ > total_; }
  uint64_t spent() const { return spent_; }
  uint64_t total() const { return total_; }

 private:
  uint64_t total_;
  uint64_t spent_ = 0;
};

}  // namespace graftwork::core
