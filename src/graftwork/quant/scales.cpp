#include "graftwork/quant/scales.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/error.h"

namespace graftwork {
namespace {

constexpr float kSmallestNormalHalf = 6.103515625e-05F;   // 2⁻¹⁴
constexpr float kSmallestHalf = 5.9604644775390625e-08F;  // 2⁻²⁴

/// Channels without a value take the smallest scale there is.
at::Tensor without_zeros(const at::Tensor& scales) {
  const at::Tensor positive = scales.masked_select(scales > 0);
  const double smallest = positive.numel() > 0 ? positive.min().item<double>() : 1.0;
  return at::where(scales > 0, scales, at::scalar_tensor(smallest, scales.options()));
}

}  // namespace

float exported_scale(float scale, DType float_type, SmallScale small) {
  if (float_type != DType::kF16) return scale;
  const auto half = static_cast<float>(c10::Half(scale));
  if (!std::isfinite(half)) return scale;
  if (small == SmallScale::kHalf) return std::max(half, kSmallestHalf);
  return scale < kSmallestNormalHalf ? scale : half;
}

at::Tensor exported_scales(const at::Tensor& scales, DType float_type, SmallScale small) {
  at::Tensor rounded = scales.to(at::kFloat).contiguous().clone();
  float* values = rounded.data_ptr<float>();
  for (int64_t i = 0; i < rounded.numel(); ++i) values[i] = exported_scale(values[i], float_type, small);
  return rounded;
}

SmallScale small_scale_of(const ModuleRecord& layer) {
  return layer.kind == Symbol("nn.Linear") ? SmallScale::kHalf : SmallScale::kWide;
}

float activation_scale(const Range& range, DType float_type, SmallScale small) {
  const float amax = range.amax();
  if (!range.seen || amax == 0) return 1;
  return exported_scale(amax / 127.0F, float_type, small);
}

at::Tensor weight_scales(const at::Tensor& weight, int64_t axis) {
  if (!at::isfinite(weight).all().item<bool>())
    throw Error("quant.weight", "the weight holds NaN or infinity", "checking the training");
  const at::Tensor rows = weight.detach().transpose(0, axis).reshape({weight.size(axis), -1});
  return without_zeros(rows.abs().amax(1).to(at::kDouble) / 127.0);
}

at::Tensor exported_weight_scales(const at::Tensor& scales, const at::Tensor& factor, DType float_type,
                                  SmallScale small) {
  if (!factor.defined()) return exported_scales(scales, float_type, small);
  const at::Tensor magnitude = without_zeros(factor.abs());
  const at::Tensor rounded = exported_scales(scales.to(at::kDouble) * magnitude, float_type, small);
  return (rounded.to(at::kDouble) / magnitude).to(at::kFloat);
}

}  // namespace graftwork
