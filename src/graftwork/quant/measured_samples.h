// Which samples something is measured on, where all would take too long.
#pragma once

#include <cstdint>
#include <vector>

#include "graftwork/quant/micro_batch.h"

namespace graftwork::core {

/// Numbers of micro-batches that hold `wanted` of the `samples` there are, evenly spread; 0: one in sixteen, one to
/// eight.
std::vector<int64_t> measured_micro_batches(const Batching& batching, int64_t samples, int64_t wanted);

}  // namespace graftwork::core
