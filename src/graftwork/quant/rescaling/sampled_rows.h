// Some rows of what layers read, on a few samples.
#pragma once

#include <ATen/ATen.h>

#include <map>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/calibrator.h"

namespace graftwork::core {

/// Samples that searches look at.
constexpr int64_t kSearchSamples = 4;

/// Of each tensor, by name, at most 256 rows, evenly spread over the least number of micro-batches that have `samples`
/// samples, or over all; they are chosen by a hash of what they hold: [rows, channels], float, channels along the axis
/// that is given for it (negative from the back). The same for any number of threads, and, where a micro-batch is one
/// sample, for any order of samples. Throws Error "interrupted", "data.*", "nn.*".
std::map<Symbol, at::Tensor> sampled_rows(const Network& network, const std::map<Symbol, int64_t>& axes,
                                          const SampleSource& source, int64_t samples,
                                          const CalibrationOptions& options);

}  // namespace graftwork::core
