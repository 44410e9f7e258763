// Some of many samples.
#pragma once

#include <cstdint>
#include <vector>

#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/micro_batch.h"

namespace graftwork::core {

/// Numbers of at most `count` micro-batches, by a hash of what they hold: where one is one sample, the same samples in
/// the same order whatever the order in which they come. Each thread holds one micro-batch at a time. Throws Error
/// "interrupted", "data.*".
std::vector<int64_t> chosen_micro_batches(const SampleSource& source, const Batching& batching, int64_t count,
                                          const CalibrationOptions& options);

}  // namespace graftwork::core
