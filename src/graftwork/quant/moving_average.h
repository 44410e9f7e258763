// Moving averages of ends of ranges, over samples that come in any order.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace graftwork {

/// Least and largest value.
struct Ends {
  float min = 0;
  float max = 0;
};

/// The first micro-batch counts in full, each further one with a weight of 0.01, as in torch.ao's
/// MovingAverageMinMaxObserver. They are averaged in their order, whichever comes first: what came too early waits.
class MovingAverage {
 public:
  using Seen = std::map<std::string, Ends>;

  /// Of micro-batch `index`, each once, from 0 on without a gap. Not from several threads at once.
  void add(int64_t index, Seen seen);
  /// Of all that has come.
  const Seen& averages() const { return averages_; }

 private:
  int64_t next_ = 0;
  std::map<int64_t, Seen> waiting_;
  Seen averages_;
};

}  // namespace graftwork
