// Fake quantization: what a value becomes after Q and DQ.
#pragma once

#include <ATen/ATen.h>

namespace graftwork {

struct QuantRange {
  double min = -128;
  double max = 127;
};

/// Integer range of a precision: "int8", activations −128..127, weights −127..127. Throws Error "quant.precision" for
/// any other.
QuantRange activation_range(std::string_view precision);
QuantRange weight_range(std::string_view precision);

/// q = clamp(round_half_even(x / scale), min, max), as floats: the integer codes. `scale` is 0-D, or 1-D
/// along `axis`. A true division: multiplying by 1/scale differs in some codes.
at::Tensor quantize_codes(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range);

/// x̂ = q · scale; with a zero point, of the scale's shape, q = clamp(round(x / scale) + zero point) − zero point. The
/// result has the type of `x`; of a half it is computed in FP32. The gradient passes where x is inside the range and is
/// zero outside (straight-through, clipped; Jacob et al. 2018). A scale that requires a gradient is learned: that is
/// ∂x̂/∂s = q − x/s inside the range and q at its ends, times scale_gradient_factor (LSQ, Esser et al. 2020). Scales of
/// affine quantization, with a zero point, are not learned.
at::Tensor fake_quantize(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range,
                         const at::Tensor& zero_point = {});

}  // namespace graftwork
