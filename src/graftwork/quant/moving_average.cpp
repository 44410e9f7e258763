#include "graftwork/quant/moving_average.h"

#include "graftwork/base/error.h"

namespace graftwork::core {

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

void MovingAverage::merge(const MovingAverage& other) {
  GRAFTWORK_ASSERT(next_ == 0 || other.next_ == 0);  // only one can have begun at the first micro-batch
  if (other.next_ > 0) {
    next_ = other.next_;
    averages_ = other.averages_;
    for (auto& [index, seen] : std::exchange(waiting_, {})) add(index, std::move(seen));
  }
  for (const auto& [index, seen] : other.waiting_) add(index, seen);
}

MovingAverage MovingAverage::restored(int64_t averaged, std::map<Symbol, Ends> averages,
                                      std::map<int64_t, Seen> waiting) {
  MovingAverage result;
  result.next_ = averaged;
  result.averages_ = std::move(averages);
  result.waiting_ = std::move(waiting);
  return result;
}

}  // namespace graftwork::core
