// GPTQ: the codes of a weight, one input channel after another.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/quant/scales.h"

namespace graftwork::core {

struct GptqResult {
  at::Tensor weight;  ///< Codes · scales, [out, in], FP32: its nearest codes are those that were chosen.
  at::Tensor scales;  ///< As exported_weight_scales gives them for the grid.
};

/// Codes that keep Σ ‖(Ŵ − W) x‖² small over inputs with Σ x xᵀ = `moments`: each input channel is rounded to the
/// nearest, and those behind it make up for its error (Frantar et al. 2022, "GPTQ: Accurate Post-Training Quantization
/// for Generative Pre-trained Transformers", algorithm 1, in the channels' own order, dampened by 1 % of the mean of
/// the diagonal). Scales of blocks are found when their first channel's turn comes; those of channels beforehand. Where
/// that is no better than rounding all to the nearest, that is the result. `weight`: [out, in], finite; one thread's
/// work.
GptqResult gptq(const at::Tensor& weight, const at::Tensor& moments, const WeightGrid& grid,
                const TensorQuantConfig& config, DType float_type, SmallScale small);

/// Σ ‖error · x‖² for `error` [out, in].
double output_error(const at::Tensor& error, const at::Tensor& moments);

}  // namespace graftwork::core
