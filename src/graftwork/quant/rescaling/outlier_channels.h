// Outlying channels of an activation: divided in front of its Q, multiplied back by the weights behind.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/rescaling/sparse_factors.h"

namespace graftwork::core {

struct DividedTensor {
  Symbol tensor = {};
  at::Tensor factors = {};           ///< [channels], double, 1 or more.
  std::vector<Symbol> readers = {};  ///< Paths of the layers.
  /// The norm or layer whose weights took the factors in; empty where a ChannelScale divides.
  Symbol source = {};
  double limit = 0;      ///< What the channels above it come down to; 0 where the factors were given.
  double gained_db = 0;  ///< By how much the error of the layers' products falls; 0 where the factors were given.
};

/// Where a stub has layers alone behind it, and one tensor's few largest channels make the steps of all others coarse:
/// the channels are divided, the layers' weights take the factors back, and the function stays what it was. What
/// divides is the norm or layer that makes the channels, where only what a factor passes stands between (ReLU); else,
/// as behind GELU and beside a skip connection, a ChannelScale between tensor and stub, in front of linear layers
/// alone: it costs the engine a factor in the pointwise kernel that quantizes. The limit is the one of
/// limited_channels() with the least error of the layers' products (product_error.h) on four samples, and nothing
/// is done that does not at least halve it, or is told by fewer than 64 rows. Changes `network`, a copy whose tensors
/// are shared, and the tensors of the plan's stubs.
std::vector<DividedTensor> divide_outlier_channels(Network& network, StubPlan& plan, const SampleSource& samples,
                                                   const QuantConfig& config, const CalibrationOptions& options);

ChannelFactors sparse(const at::Tensor& factors);

/// The same by factors that were found before. Throws Error "scales.unknown" for a tensor that cannot be divided,
/// "scales.value" where it has another number of channels.
std::vector<DividedTensor> divide_channels_by(Network& network, StubPlan& plan,
                                              const std::map<Symbol, ChannelFactors>& factors);

}  // namespace graftwork::core
