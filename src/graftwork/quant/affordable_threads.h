// As many threads as the machine has memory for.
#pragma once

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork::core {

/// Threads that may run micro-batches of the network side by side within `limit` bytes (0: what the machine has), of
/// `threads` (0: as many as torch would use). `runners`: networks whose prepared parameters are in memory at once.
/// Throws Error "memory.limit" where one thread takes more.
int affordable_threads(const Network& network, const SampleSource& samples, int threads, int64_t limit,
                       int64_t runners = 1);

}  // namespace graftwork::core
