// A run of micro-batches, watched.
#pragma once

#include <functional>

#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/observer.h"

namespace graftwork::core {

/// Called for each micro-batch once it is done, from one thread at a time, in any order.
using ObservedMicroBatch = std::function<void(int64_t micro_batch, Observer::Observed& observed)>;

/// Adds what is seen on the micro-batches from `begin` to in front of `end`, each on one thread, many side by side.
/// Throws Error "interrupted", and what Observer::observe throws.
void observe_side_by_side(const Observer& observer, int64_t begin, int64_t end, const CalibrationOptions& options,
                          Statistics& statistics, const ObservedMicroBatch& done);

}  // namespace graftwork::core
