#include "graftwork/nn/exported_scale.h"

#include <algorithm>
#include <cmath>

namespace graftwork::core {
namespace {

constexpr float kSmallestNormalHalf = 6.103515625e-05F;  // 2⁻¹⁴

}  // namespace

float exported_scale(float scale, DType float_type, SmallScale small) {
  if (scale < kLeastScale) return kSmallestHalf;
  if (float_type == DType::kBF16) return static_cast<float>(c10::BFloat16(scale));
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

at::Tensor written_scales(const at::Tensor& scales, DType float_type) {
  if (float_type == DType::kBF16) return scales.to(at::kBFloat16);
  return float_type == DType::kF16 && fits_half(scales) ? scales.to(at::kHalf) : scales;
}

bool fits_half(const at::Tensor& scales) { return at::equal(scales.to(at::kHalf).to(at::kFloat), scales); }

SmallScale small_scale_of(const ModuleRecord& layer, bool products_take_one_type) {
  return products_take_one_type && layer.kind == Symbol("nn.Linear") ? SmallScale::kHalf : SmallScale::kWide;
}

}  // namespace graftwork::core
