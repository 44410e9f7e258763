// Moving averages of ends of ranges, over samples that come in any order.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// Least and largest value.
struct Ends {
  float min = 0;
  float max = 0;
};

/// The first micro-batch counts in full, each further one with a weight of 0.01, as in torch.ao's
/// MovingAverageMinMaxObserver. They are averaged in their order, whichever comes first: what came too early waits.
class MovingAverage {
 public:
  using Seen = std::vector<std::pair<Symbol, Ends>>;

  /// Of micro-batch `index`, each once over all that is merged, in the end from 0 on without a gap. Not from several
  /// threads at once.
  void add(int64_t index, Seen seen);
  void merge(const MovingAverage& other);
  /// Of all that has come without a gap.
  const std::map<Symbol, Ends>& averages() const { return averages_; }

  /// How many micro-batches are averaged, and those that wait for one in front of them, by index.
  int64_t averaged() const { return next_; }
  const std::map<int64_t, Seen>& waiting() const { return waiting_; }
  static MovingAverage restored(int64_t averaged, std::map<Symbol, Ends> averages, std::map<int64_t, Seen> waiting);

 private:
  int64_t next_ = 0;
  std::map<int64_t, Seen> waiting_;
  std::map<Symbol, Ends> averages_;
};

}  // namespace graftwork::core
