#include "graftwork/nn/fake_quant.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/fake_quant_gradient.h"
#include "graftwork/nn/nearest.h"

namespace graftwork::core {
namespace {

/// The scale shaped so that it broadcasts along `axis`.
at::Tensor along(const at::Tensor& scale, int64_t axis, int64_t rank) {
  if (scale.dim() == 0) return scale;
  std::vector<int64_t> shape(static_cast<size_t>(rank), 1);
  shape[static_cast<size_t>(axis)] = scale.numel();
  return scale.view(shape);
}

constexpr double kLargestE4m3 = 448;

QuantRange range_named(std::string_view precision) {
  if (precision == "int8") return {-128, 127};
  if (precision == "int4") return {-8, 7};
  if (precision == "int16") return {-32768, 32767};
  if (precision == "fp8") return {-kLargestE4m3, kLargestE4m3, true};
  throw Error("quant.precision", cat("there is no precision ", precision));
}

/// Blocks as rows, each with its scale: [blocks, length] and [blocks].
at::Tensor rows_of_blocks(const at::Tensor& x, const at::Tensor& scale) {
  return x.reshape({scale.numel(), x.numel() / scale.numel()});
}

/// The same as step by step, in one pass over memory.
[[gnu::target_clones("avx2", "default")]] void round_to_codes(const float* from, float* to, int64_t count, float scale,
                                                              QuantRange range) {
  const auto low = static_cast<float>(range.min), high = static_cast<float>(range.max);
  for (int64_t i = 0; i < count; ++i) {
    float code = from[i] / scale;
    code = code < low ? low : code;  // NaN stays
    code = code > high ? high : code;
    to[i] = nearest(code) * scale;
  }
}

/// One scale for all, or for each of the first extent of a contiguous tensor.
at::Tensor quantized_at_once(const at::Tensor& x, const at::Tensor& scale, QuantRange range) {
  at::Tensor result = at::empty_like(x);
  const float* from = x.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  constexpr int64_t kGrain = int64_t{1} << 15;
  if (scale.dim() == 0) {
    const float step = scale.item<float>();
    at::parallel_for(0, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
      round_to_codes(from + begin, to + begin, end - begin, step, range);
    });
    return result;
  }
  const at::Tensor steps = scale.contiguous();
  const float* step = steps.const_data_ptr<float>();
  const int64_t row = x.numel() / x.size(0);
  at::parallel_for(0, x.size(0), std::max<int64_t>(1, kGrain / std::max<int64_t>(row, 1)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i)
                       round_to_codes(from + i * row, to + i * row, row, step[i], range);
                   });
  return result;
}

/// Codes between the ends of the range, to the nearest that there is.
at::Tensor rounded(const at::Tensor& codes, QuantRange range) {
  return range.is_e4m3 ? codes.to(at::kFloat8_e4m3fn).to(codes.scalar_type()) : codes.round();
}

/// fake_quantize in operators that autograd knows, with the gradient of a learned scale.
at::Tensor learned_fake_quantize(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range) {
  const at::Tensor slowed = scale * scale_gradient_factor(x, scale, range);
  const at::Tensor step = along(scale.detach() + (slowed - slowed.detach()), axis, x.dim());
  const at::Tensor clipped = at::div(x, step).clamp(range.min, range.max);
  return (clipped + (rounded(clipped.detach(), range) - clipped.detach())) * step;
}

}  // namespace

QuantRange activation_range(std::string_view precision) { return range_named(precision); }

QuantRange weight_range(std::string_view precision) {
  QuantRange range = range_named(precision);
  range.min = -range.max;
  return range;
}

bool is_of_blocks(const at::Tensor& scale) { return scale.dim() > 1; }

at::Tensor quantize_codes(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range) {
  if (is_of_blocks(scale)) return quantize_codes(rows_of_blocks(x, scale), scale.flatten(), 0, range).view_as(x);
  at::Tensor codes = at::div(x.detach(), along(scale.detach(), axis, x.dim()));
  // Saturating: beyond 464 torch's own conversion gives NaN.
  if (range.is_e4m3) return codes.clamp_(range.min, range.max).to(at::kFloat8_e4m3fn).to(codes.scalar_type());
  return codes.round_().clamp_(range.min, range.max);
}

at::Tensor fake_quantize(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range,
                         const at::Tensor& zero_point) {
  const at::ScalarType type = x.scalar_type();
  if (type == at::kHalf || type == at::kBFloat16)
    return fake_quantize(x.to(at::kFloat), scale, axis, range, zero_point).to(type);
  if (is_of_blocks(scale)) {
    const at::Tensor zeros = zero_point.defined() ? zero_point.flatten() : zero_point;
    return fake_quantize(rows_of_blocks(x, scale), scale.flatten(), 0, range, zeros).view_as(x);
  }
  const bool records = at::GradMode::is_enabled() && (x.requires_grad() || scale.requires_grad());
  if (!zero_point.defined() && is_quantized_at_once(x, scale, axis, range))
    return records ? fake_quantize_at_once(x, scale, range) : quantized_at_once(x, scale, range);
  if (!zero_point.defined() && records && scale.requires_grad()) return learned_fake_quantize(x, scale, axis, range);
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

}  // namespace graftwork::core
