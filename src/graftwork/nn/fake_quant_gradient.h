// Fake quantization that autograd records as one step: forward one pass over memory, backward another.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/nn/fake_quant.h"

namespace graftwork::core {

/// What the gradient of a learned scale is multiplied by, 1/√(N · max): N elements share the scale, of one sample where
/// there is one scale for all (learned step size: Esser et al. 2020, section 2.2).
double scale_gradient_factor(const at::Tensor& x, const at::Tensor& scale, QuantRange range);

/// Whether fake_quantize_at_once takes them: dense f32 on the CPU, one scale for all or one for each of the first
/// extent, and codes that are integers.
bool is_quantized_at_once(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range);

/// What reaches the tensor and its scale of the gradient behind them.
struct FakeQuantGradients {
  at::Tensor x;
  at::Tensor scale;  ///< Undefined where the scale is not learned.
};

/// The gradients of fake_quantize_at_once, which says whose.
FakeQuantGradients fake_quantize_gradients(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& gradient,
                                           QuantRange range, bool is_scale_learned);

/// fake_quantize of such tensors. Gradients are as there; they have none themselves, which backward says: Error
/// "nn.second_derivative". Sums are taken in fixed blocks, the same for any number of threads.
at::Tensor fake_quantize_at_once(const at::Tensor& x, const at::Tensor& scale, QuantRange range);

}  // namespace graftwork::core
