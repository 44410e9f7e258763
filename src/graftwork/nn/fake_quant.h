// Fake quantization: what a value becomes after Q and DQ.
#pragma once

#include <ATen/ATen.h>

namespace graftwork::core {

/// The codes that there are.
struct QuantRange {
  double min = -128;
  double max = 127;
  /// The numbers of FP8 E4M3 instead of whole ones.
  bool is_e4m3 = false;
};

/// Range of a precision: "int8", "int4", "int16", activations −2ⁿ⁻¹..2ⁿ⁻¹ − 1, weights one code less below; "fp8",
/// ±448. Throws Error "quant.precision" for any other.
QuantRange activation_range(std::string_view precision);
QuantRange weight_range(std::string_view precision);

/// Scales of a weight's blocks: of its rank, so many along the last axis as there are blocks of equal length.
bool is_of_blocks(const at::Tensor& scale);

/// q = clamp(round_half_even(x / scale), min, max), as floats: the codes; of E4M3 the nearest of its numbers. `scale`
/// is 0-D, or 1-D along `axis`, or of blocks. A true division: multiplying by 1/scale differs in some codes.
at::Tensor quantize_codes(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range);

/// x̂ = q · scale; with a zero point, of the scale's shape, q = clamp(round(x / scale) + zero point) − zero point. The
/// result has the type of `x`; of a half it is computed in FP32. The gradient passes where x is inside the range and is
/// zero outside (straight-through, clipped; Jacob et al. 2018). A scale that requires a gradient is learned: that is
/// ∂x̂/∂s = q − x/s inside the range and q at its ends, times scale_gradient_factor (LSQ, Esser et al. 2020). Scales of
/// affine quantization, with a zero point, are not learned.
at::Tensor fake_quantize(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range,
                         const at::Tensor& zero_point = {});

}  // namespace graftwork::core
