#include "graftwork/nn/fake_quant.h"

#include <ATen/Parallel.h>
#include <ATen/TensorSubclassLikeUtils.h>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {
namespace {

/// The scale shaped so that it broadcasts along `axis`.
at::Tensor along(const at::Tensor& scale, int64_t axis, int64_t rank) {
  if (scale.dim() == 0) return scale;
  std::vector<int64_t> shape(static_cast<size_t>(rank), 1);
  shape[static_cast<size_t>(axis)] = scale.numel();
  return scale.view(shape);
}

void check_precision(std::string_view precision) {
  if (precision != "int8") throw Error("quant.precision", cat("there is no integer precision ", precision));
}

/// Rounds to the nearest, halves to even, by what f32 has no digits for; for numbers between ±2²².
inline float nearest(float x) {
  constexpr float kNoFraction = 12582912;  // 1.5 · 2²³
  return (x + kNoFraction) - kNoFraction;
}

/// The same as step by step, in one pass over memory.
at::Tensor quantized_by_one_scale(const at::Tensor& x, float scale, QuantRange range) {
  at::Tensor result = at::empty_like(x);
  const float* from = x.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  const auto low = static_cast<float>(range.min), high = static_cast<float>(range.max);
  constexpr int64_t kGrain = int64_t{1} << 15;
  at::parallel_for(0, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float code = from[i] / scale;
      code = code < low ? low : code;  // NaN stays
      code = code > high ? high : code;
      to[i] = nearest(code) * scale;
    }
  });
  return result;
}

bool is_plain(const at::Tensor& x, const at::Tensor& scale) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.is_non_overlapping_and_dense() && scale.dim() == 0 &&
         scale.scalar_type() == at::kFloat && scale.is_cpu() && !at::isTensorSubclassLike(x);
}

}  // namespace

QuantRange activation_range(std::string_view precision) {
  check_precision(precision);
  return {-128, 127};
}

QuantRange weight_range(std::string_view precision) {
  check_precision(precision);
  return {-127, 127};
}

at::Tensor quantize_codes(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range) {
  return at::div(x.detach(), along(scale.detach(), axis, x.dim())).round_().clamp_(range.min, range.max);
}

at::Tensor fake_quantize(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range,
                         const at::Tensor& zero_point) {
  const at::ScalarType type = x.scalar_type();
  if (type == at::kHalf || type == at::kBFloat16)
    return fake_quantize(x.to(at::kFloat), scale, axis, range, zero_point).to(type);
  const bool records = at::GradMode::is_enabled() && (x.requires_grad() || scale.requires_grad());
  if (!records && !zero_point.defined() && is_plain(x, scale))
    return quantized_by_one_scale(x, scale.item<float>(), range);
  const at::Tensor step = along(scale, axis, x.dim());
  at::Tensor quantized, low, high;
  if (zero_point.defined()) {
    const at::Tensor zero = along(zero_point.detach().to(step.scalar_type()), axis, x.dim());
    const at::Tensor codes = at::div(x.detach(), step.detach()).round_().add_(zero).clamp_(range.min, range.max);
    quantized = codes.sub_(zero).mul_(step.detach());
    low = step.detach() * (range.min - zero);
    high = step.detach() * (range.max - zero);
  } else {
    quantized = quantize_codes(x, scale, axis, range).mul_(step.detach());
    low = step.detach() * range.min;
    high = step.detach() * range.max;
  }
  if (!(at::GradMode::is_enabled() && x.requires_grad())) return quantized;
  const at::Tensor inside = at::clamp(x, low, high);
  return inside + (quantized - inside).detach();
}

}  // namespace graftwork
