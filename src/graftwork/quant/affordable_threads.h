// As many threads as the machine has memory for.
#pragma once

#include <string_view>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork::core {

/// What is in memory at once.
struct Load {
  std::string_view doing;
  int64_t networks = 1;  ///< Those whose parameters are prepared to run; all threads share them.
  int64_t runs = 1;      ///< Of a micro-batch, in each thread.
};
inline constexpr Load kCalibration{"running a micro-batch of the network"};

/// Threads that may run micro-batches of the network side by side within `limit` bytes (0: what the machine has), of
/// `threads` (0: as many as torch would use); that number itself where it fits. Throws Error "memory.limit" where one
/// thread takes more.
int affordable_threads(const Network& network, const SampleSource& samples, int threads, int64_t limit,
                       const Load& load = kCalibration);

}  // namespace graftwork::core
