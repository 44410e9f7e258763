#include "graftwork/quant/measured_samples.h"

#include <algorithm>

namespace graftwork::core {

std::vector<int64_t> measured_micro_batches(const Batching& batching, int64_t samples, int64_t wanted) {
  const int64_t few = std::clamp<int64_t>(samples / 16, 1, 8);
  const int64_t all = batching.micro_batches(samples);
  const int64_t count = std::min(all, batching.micro_batches(wanted > 0 ? wanted : few));
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < count; ++i) chosen.push_back(i * all / count);
  return chosen;
}

}  // namespace graftwork::core
