// GPTQ for the linear layers of a network.
#pragma once

#include "graftwork/quant/quantize.h"

namespace graftwork::core {

/// Chooses the codes of the quantized weights of linear layers by what the layers read in `network`, the float one
/// (gptq.h), and gives `result.network` weights and scales that hold them. Those of other layers, of layers with a
/// batch norm behind them, and those that the network was trained with stay as they are. Runs over the samples once for
/// each group of layers whose moments fit kMomentBytes. Same result for any number of threads. Returns how many weights
/// that were. Throws as collect_second_moments, and Error "quant.moments".
int64_t round_by_second_moments(const Network& network, const SampleSource& samples, const WeightQuantConfig& config,
                                const QuantizeOptions& options, QuantizationResult& result);

/// Memory for the moments of the layers that one run serves; one layer has what it needs. Rounding a layer takes six
/// matrices of doubles of its input channels on top, for each thread.
inline constexpr int64_t kMomentBytes = int64_t{512} << 20;

}  // namespace graftwork::core
