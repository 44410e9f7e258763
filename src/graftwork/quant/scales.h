// Scales from ranges and weights.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/nn/exported_scale.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/place/quant_config.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

/// Where the range of codes ends by the recipe's method (range_search.h).
float range_end(const Range& range, const TensorQuantConfig& config);

/// The largest number that a code of an activation stands for: 127, 7, 32767, 448.
double largest_code(Precision precision);

/// The method, or kMinMax where the precision takes no other: numbers of FP8 are no even steps, which is what all
/// methods that clip count with.
CalibrationMethod method_for(CalibrationMethod method, Precision precision);

/// Share of the values that were seen beyond the codes of a scale; 0 without a histogram.
double clipped_share(const Range& range, float scale, Precision precision);

/// range_end over the largest code, rounded as it will be exported. 1 for a tensor that was zero throughout.
float activation_scale(const Range& range, const TensorQuantConfig& config, DType float_type,
                       SmallScale small = SmallScale::kWide);

/// What the scales of a weight are for: its codes, and which elements share one.
struct WeightGrid {
  QuantRange range = {-127, 127};
  int64_t axis = 0;        ///< Of the output channels.
  int64_t block_size = 0;  ///< Elements of the last axis that share a scale; 0: all of an output channel.
};

/// Scale per output channel of a weight, of the whole (0-D; TensorQuantConfig::per_channel), or per block [channels,
/// blocks], in double precision, of kMinMax, kMse or kPercentile: amax over the largest code, or what of [amax/2, amax]
/// gives the channel the least squared error, or the magnitude that the share of its weights does not exceed, over that
/// code. A dead channel gets the tensor's smallest non-zero scale, 1 when all are dead. Throws Error "quant.weight" for
/// a non-finite weight.
at::Tensor weight_scales(const at::Tensor& weight, const WeightGrid& grid, const TensorQuantConfig& config);

/// Codes with a zero point, of a range that holds 0.
struct AffineScales {
  at::Tensor scale;  ///< (max − min) / (largest code − least), rounded as it will be exported; 1 for a range of 0.
  at::Tensor zero_point;  ///< round(least code − min / scale), a code.
};
/// `low` and `high`: where the ranges end, of one shape, FP32.
AffineScales affine_scales(const at::Tensor& low, const at::Tensor& high, QuantRange range, DType float_type);
/// The same of a weight: per output channel, or of the whole.
AffineScales affine_weight_scales(const at::Tensor& weight, const WeightGrid& grid, const TensorQuantConfig& config,
                                  DType float_type);

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

}  // namespace graftwork::core
