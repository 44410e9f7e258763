#include "graftwork/quant/moving_average.h"

#include <utility>

namespace graftwork {

void MovingAverage::add(int64_t index, Seen seen) {
  constexpr float kWeight = 0.01F;
  waiting_.emplace(index, std::move(seen));
  for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; ++next_) {
    for (const auto& [name, ends] : first->second) {
      const auto [average, is_new] = averages_.try_emplace(name, ends);
      if (is_new) continue;
      average->second.min += kWeight * (ends.min - average->second.min);
      average->second.max += kWeight * (ends.max - average->second.max);
    }
    first = waiting_.erase(first);
  }
}

}  // namespace graftwork
