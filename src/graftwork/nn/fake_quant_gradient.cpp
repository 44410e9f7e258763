#include "graftwork/nn/fake_quant_gradient.h"

#include <ATen/Parallel.h>
#include <ATen/TensorSubclassLikeUtils.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "graftwork/base/error.h"
#include "graftwork/nn/nearest.h"

namespace graftwork::core {
namespace {

constexpr int64_t kBlock = int64_t{1} << 15;

/// Elements that have one scale, and where their gradient goes.
struct Part {
  const float* x;
  const float* gradient;
  float* x_gradient;
  int64_t count;
  float scale;
  QuantRange range;
};

[[gnu::target_clones("avx2", "default")]] void pass_inside(const Part& part) {
  const auto low = static_cast<float>(part.range.min), high = static_cast<float>(part.range.max);
  for (int64_t i = 0; i < part.count; ++i) {
    const float code = part.x[i] / part.scale;
    part.x_gradient[i] = code >= low && code <= high ? part.gradient[i] : 0.0F;
  }
}

/// The same, and the sum of what reaches the scale: gradient · (q − x/s) inside, gradient · q where q is an end.
[[gnu::target_clones("avx2", "default")]] double pass_inside_and_sum(const Part& part) {
  constexpr int64_t kLanes = 8;
  const auto low = static_cast<float>(part.range.min), high = static_cast<float>(part.range.max);
  std::array<float, kLanes> sums{};
  const auto add = [&](int64_t i, float& sum) {
    const float code = part.x[i] / part.scale;
    const float clipped = std::min(std::max(code, low), high);
    const bool inside = clipped == code;
    part.x_gradient[i] = inside ? part.gradient[i] : 0.0F;
    sum += part.gradient[i] * (nearest(clipped) - (inside ? clipped : 0.0F));
  };
  const int64_t whole = part.count - part.count % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) add(i + lane, sums[static_cast<size_t>(lane)]);
  }
  for (int64_t i = whole; i < part.count; ++i) add(i, sums[0]);
  double sum = 0;
  for (const float lane : sums) sum += static_cast<double>(lane);
  return sum;
}

/// A tensor in parts of at most kBlock elements that have one scale.
struct Parts {
  Parts(const at::Tensor& x, const at::Tensor& scale)
      : rows(scale.numel()), row(x.numel() / rows), blocks((row + kBlock - 1) / kBlock) {}

  int64_t count() const { return rows * blocks; }
  int64_t begin(int64_t part) const { return part / blocks * row + part % blocks * kBlock; }
  int64_t size(int64_t part) const { return std::min(kBlock, row - part % blocks * kBlock); }
  int64_t row_of(int64_t part) const { return part / blocks; }
  int64_t grain() const { return std::max<int64_t>(1, kBlock / std::min(row, kBlock)); }

  int64_t rows;    // scales
  int64_t row;     // elements of each
  int64_t blocks;  // in a row
};

struct FakeQuantize : torch::autograd::Function<FakeQuantize> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& scale,
                            double min, double max) {
    context->save_for_backward({x, scale});
    context->saved_data["range"] = c10::List<double>({min, max});
    return fake_quantize(x, scale, 0, {min, max});  // records nothing in here
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& outputs) {
    if (at::GradMode::is_enabled())
      throw Error("nn.second_derivative", "the gradient of fake quantization is no function with a gradient",
                  "backward() without create_graph");
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const auto ends = context->saved_data.at("range").toDoubleVector();
    const QuantRange range{ends[0], ends[1]};
    const bool is_learned = saved[1].requires_grad();
    const FakeQuantGradients found = fake_quantize_gradients(saved[0], saved[1], outputs[0], range, is_learned);
    return {found.x, found.scale, {}, {}};
  }
};

}  // namespace

double scale_gradient_factor(const at::Tensor& x, const at::Tensor& scale, QuantRange range) {
  const int64_t shared = scale.dim() > 0 ? scale.numel() : x.dim() > 0 ? x.size(0) : 1;
  const int64_t elements = std::max<int64_t>(1, x.numel() / std::max<int64_t>(1, shared));
  return 1 / std::sqrt(static_cast<double>(elements) * range.max);
}

bool is_quantized_at_once(const at::Tensor& x, const at::Tensor& scale, int64_t axis, QuantRange range) {
  if (range.is_e4m3) return false;
  if (!x.is_cpu() || x.scalar_type() != at::kFloat || x.numel() == 0 || at::isTensorSubclassLike(x)) return false;
  if (!scale.is_cpu() || scale.scalar_type() != at::kFloat) return false;
  if (scale.dim() == 0) return x.is_non_overlapping_and_dense();
  return axis == 0 && x.is_contiguous() && scale.dim() == 1 && scale.numel() == x.size(0);
}

FakeQuantGradients fake_quantize_gradients(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& gradient,
                                           QuantRange range, bool is_scale_learned) {
  const Parts parts(x, scale);
  FakeQuantGradients result{at::empty_like(x), {}};
  const at::Tensor scales = scale.contiguous();
  const at::Tensor as_x = gradient.strides() == x.strides() ? gradient : at::empty_like(x).copy_(gradient);
  const auto part = [&, from = x.const_data_ptr<float>(), given = as_x.const_data_ptr<float>(),
                     to = result.x.mutable_data_ptr<float>(), steps = scales.const_data_ptr<float>()](int64_t i) {
    const int64_t begin = parts.begin(i);
    return Part{from + begin, given + begin, to + begin, parts.size(i), steps[parts.row_of(i)], range};
  };
  std::vector<double> sums(is_scale_learned ? static_cast<size_t>(parts.count()) : 0);
  at::parallel_for(0, parts.count(), parts.grain(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (is_scale_learned) {
        sums[static_cast<size_t>(i)] = pass_inside_and_sum(part(i));
      } else {
        pass_inside(part(i));
      }
    }
  });
  if (!is_scale_learned) return result;
  result.scale = at::empty_like(scales);
  float* learned = result.scale.mutable_data_ptr<float>();
  for (int64_t row = 0; row < parts.rows; ++row) {
    double sum = 0;
    for (int64_t i = 0; i < parts.blocks; ++i) sum += sums[static_cast<size_t>(row * parts.blocks + i)];
    learned[row] = static_cast<float>(sum);
  }
  result.scale.mul_(scale_gradient_factor(x, scale, range));
  return result;
}

at::Tensor fake_quantize_at_once(const at::Tensor& x, const at::Tensor& scale, QuantRange range) {
  return FakeQuantize::apply(x, scale, range.min, range.max);
}

}  // namespace graftwork::core
