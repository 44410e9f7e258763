// Layers whose codes are chosen by what they read.
#pragma once

#include <span>
#include <vector>

#include "graftwork/quant/quantize.h"
#include "graftwork/quant/rounding/layer_inputs.h"

namespace graftwork::core {

struct RoundedLayer {
  Symbol path;
  ModuleId owner;       ///< The convolution or linear layer.
  ModuleId fake_quant;  ///< Of its weight.
  int64_t block_size = 0;
  bool has_batch_norm = false;
  LayerInputs inputs;      ///< In the float network.
  at::Tensor weight = {};  ///< Codes · scales: its nearest codes are those that were chosen. Undefined: as it was.
  at::Tensor scales = {};  ///< Undefined: as they were.
};

/// The convolutions and linear layers of `result` with quantized weights, without those whose scales the network
/// brought: it was trained with their rounding. `network` is the float one, whose modules have the paths of the
/// quantized one's. A layer that several kernels share is left out: each would choose codes of its own.
std::vector<RoundedLayer> rounded_layers(const Network& network, const QuantizationResult& result);

/// Gives the layers' modules in `quantized` the weights and scales that were chosen.
void store_rounded(Network& quantized, std::span<const RoundedLayer> layers);

}  // namespace graftwork::core
