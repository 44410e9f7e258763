// Correction of biases for what rounding the weights does to the mean of a layer's output.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/channel_mean.h"

namespace graftwork::core {

/// With Ŵ the quantized weight, a layer's output shifts by (Ŵ − W) · E[x] per output channel, on the mean input of each
/// channel (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2,
/// with E[x] from calibration). A tap of a convolution counts as often as it lies inside the padding, where the network
/// declares the extents. The running mean of the batch norm behind takes the shift in, or the layer's bias gives it
/// back.
class BiasCorrection {
 public:
  /// Layers of the plan with quantized weights, without those whose scales the network brought: it was trained with
  /// their rounding. A bias or batch norm of several such layers takes their mean shift; one that serves a layer in
  /// floating point too stays as it is. A linear layer without bias gets none: it would be an addition of its own.
  BiasCorrection(const Network& network, const StubPlan& plan);

  /// The tensors whose channel means it needs, with their axes of channels.
  const std::unordered_map<Symbol, int64_t>& channel_axes() const { return axes_; }
  /// Whether it gives back the whole shift of this layer, a module of the network.
  bool serves(ModuleId layer) const;
  /// `quantized`: the network with the scales of its weights set. Returns how many biases and batch norms it changed.
  /// `means`: of each of those tensors. Throws Error "scales.value" where one has not the channels that a layer reads.
  int64_t apply(Network& quantized, const ChannelMeans& means) const;

 private:
  struct Layer {
    ModuleId weighted;           ///< Owns the weight.
    ParamExpr weight;            ///< As the float network has it.
    ModuleId fake_quant;         ///< Rounds it.
    std::vector<Symbol> inputs;  ///< What it reads, by name; several when it is called several times.
  };

  /// Layers by what makes up for their shifts: the batch norm behind, or the layer itself by its bias.
  std::map<ModuleId, std::vector<Layer>> layers_;
  std::unordered_map<Symbol, int64_t> axes_;
};

}  // namespace graftwork::core
