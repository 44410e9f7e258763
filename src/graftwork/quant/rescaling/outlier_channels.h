// Outlying channels of an activation: divided in front of its Q, multiplied back by the weights behind.
#pragma once

#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/calibrator.h"

namespace graftwork {

/// A tensor that is quantized behind a module ChannelScale.
struct DividedTensor {
  Symbol tensor;
  std::vector<Symbol> readers;  ///< Paths of the linear layers.
  double limit = 0;             ///< What the channels above it come down to.
  double largest = 1;           ///< Of the factors.
  double gained_db = 0;         ///< By how much the error of the layers' products falls.
};

/// Where a stub has linear layers alone behind it, and one tensor's few largest channels make the steps of all others
/// coarse, as behind GELU in language models: a ChannelScale goes in between tensor and stub, the layers' weights take
/// the factors back, and the function stays what it was. It costs the engine a factor in the pointwise kernel that
/// quantizes, so it is done only where it at least halves the error of the layers' products (product_error.h) on four
/// micro-batches; the limit is the one of limited_channels() with the least. Changes `network`, a copy whose tensors
/// are shared, and the tensors of the plan's stubs.
std::vector<DividedTensor> divide_outlier_channels(Network& network, StubPlan& plan, const SampleSource& samples,
                                                   const QuantConfig& config, const CalibrationOptions& options);

}  // namespace graftwork
