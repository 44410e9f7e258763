// AdaRound for the layers of a network.
#pragma once

#include "graftwork/quant/quantize.h"

namespace graftwork::core {

/// Memory for the rows of the layers that are rounded at once; one layer has what it needs (layer_rows.h). Their new
/// weights come on top, and for each thread a copy of one layer's rows and some megabytes.
inline constexpr int64_t kRowBytes = int64_t{512} << 20;

/// Chooses the codes of quantized convolutions and linear layers by AdaRound (adaround.h) on rows of what they read in
/// `network`, the float one, and gives `result.network` weights that hold them; scales stay. Weights of FP8, those
/// whose scales the network brought, and those of layers that read nothing stay as they are. Same result for any number
/// of threads, and, where a micro-batch is one sample, for any order of samples. Returns how many weights that were.
/// Throws as layer_rows.
int64_t round_by_training(const Network& network, const SampleSource& samples, const WeightQuantConfig& config,
                          const QuantizeOptions& options, QuantizationResult& result);

}  // namespace graftwork::core
