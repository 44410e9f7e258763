// Scales from ranges and weights.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/nn/exported_scale.h"
#include "graftwork/place/quant_config.h"
#include "graftwork/quant/calibrator.h"

namespace graftwork {

/// Where the range of codes ends by the recipe's method (range_search.h).
float range_end(const Range& range, const TensorQuantConfig& config);

/// range_end over 127, rounded as it will be exported. 1 for a tensor that was zero throughout.
float activation_scale(const Range& range, const TensorQuantConfig& config, DType float_type,
                       SmallScale small = SmallScale::kWide);

/// Scale per output channel of a weight, in double precision, of kMinMax, kMse or kPercentile: amax / 127, or what of
/// [amax/2, amax] / 127 gives the channel the least squared error, or the magnitude that the share of its weights does
/// not exceed, over 127. A dead channel gets the tensor's smallest non-zero scale, 1 when all are dead.
/// Throws Error "quant.weight" for a non-finite weight.
at::Tensor weight_scales(const at::Tensor& weight, int64_t axis, const TensorQuantConfig& config);

/// Scales per output channel, rounded. `factor` (per channel, or undefined) is what export multiplies the scale by when
/// it folds a batch norm: the product is rounded as exported and divided by it again, so that codes, fake quantization
/// and file see one value.
at::Tensor exported_weight_scales(const at::Tensor& scales, const at::Tensor& factor, DType float_type,
                                  SmallScale small = SmallScale::kWide);

/// The same scales as a file has them, [channels] float: times `factor`. And back, in double: what
/// exported_weight_scales makes the first of again, to the bit.
at::Tensor folded_weight_scales(const at::Tensor& scales, const at::Tensor& factor, DType float_type,
                                SmallScale small = SmallScale::kWide);
at::Tensor unfolded_weight_scales(const at::Tensor& folded, const at::Tensor& factor);

}  // namespace graftwork
