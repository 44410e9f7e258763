#include "graftwork/quant/gptq/gptq.h"

#include <algorithm>

#include "graftwork/base/error.h"

namespace graftwork::core {
namespace {

/// Channels whose errors are handed on to all behind them at once: within, they are handed on one by one. A multiple of
/// every block's size.
constexpr int64_t kTogether = 128;

/// Row i says, behind its diagonal, how the channels behind i make up for an error of channel i: the upper Cholesky
/// factor of the inverse of the dampened moments.
at::Tensor factor_of(const at::Tensor& moments) {
  at::Tensor dampened = moments.clone();
  at::Tensor diagonal = dampened.diagonal();
  const double mean = diagonal.mean().item<double>();
  const at::Tensor unseen = diagonal == 0;
  diagonal.masked_fill_(unseen, mean > 0 ? mean : 1.0);
  for (double share = 0.01; share <= 1; share *= 10) {
    at::Tensor trial = dampened.clone();
    trial.diagonal().add_(share * mean);
    const auto [lower, failed] = at::linalg_cholesky_ex(trial);
    if (failed.item<int>() != 0) continue;
    const auto [upper, singular] = at::linalg_cholesky_ex(at::cholesky_inverse(lower), /*upper=*/true);
    if (singular.item<int>() == 0) return upper;
  }
  throw Error("quant.moments", "what the layer reads is too small or too large for GPTQ",
              "\"rounding\": \"nearest\" in the recipe, or the layer in its \"skip\"");
}

class Rounding {
 public:
  Rounding(const at::Tensor& weight, const at::Tensor& moments, const WeightGrid& grid, const TensorQuantConfig& config,
           DType float_type, SmallScale small)
      : weight_(weight.to(at::kFloat)),
        moments_(moments),
        grid_(grid),
        config_(config),
        float_type_(float_type),
        small_(small),
        channels_(weight.size(1)) {}

  GptqResult run() {
    const GptqResult nearest = rounded_to_nearest();
    GptqResult result = rounded_in_turns(nearest.scales);
    const auto error_of = [&](const GptqResult& rounded) { return output_error(rounded.weight - weight_, moments_); };
    return error_of(result) < error_of(nearest) ? result : nearest;
  }

 private:
  at::Tensor scales_of(const at::Tensor& weight) const {
    return exported_weight_scales(weight_scales(weight, grid_, config_), {}, float_type_, small_);
  }

  GptqResult rounded_to_nearest() const {
    const at::Tensor scales = scales_of(weight_);
    return {fake_quantize(weight_, scales, 0, grid_.range), scales};
  }

  GptqResult rounded_in_turns(const at::Tensor& whole_scales) {
    const at::Tensor factor = factor_of(moments_);
    at::Tensor left = weight_.t().to(at::kDouble).contiguous();  // [in, out], with the errors handed on so far
    at::Tensor rounded = at::empty_like(left);
    std::vector<at::Tensor> block_scales;
    at::Tensor scale = whole_scales;  // [out]
    for (int64_t begin = 0; begin < channels_; begin += kTogether) {
      const int64_t end = std::min(begin + kTogether, channels_);
      at::Tensor errors = at::empty({end - begin, left.size(1)}, left.options());
      for (int64_t i = begin; i < end; ++i) {
        if (grid_.block_size > 0 && i % grid_.block_size == 0) {
          scale = scales_of(left.slice(0, i, i + grid_.block_size).t().to(at::kFloat)).flatten();
          block_scales.push_back(scale);
        }
        const at::Tensor value = fake_quantize(left[i].to(at::kFloat), scale, 0, grid_.range).to(at::kDouble);
        const at::Tensor error = (left[i] - value) / factor[i][i];
        rounded[i].copy_(value);
        errors[i - begin].copy_(error);
        left.slice(0, i + 1, end).sub_(at::outer(factor[i].slice(0, i + 1, end), error));
      }
      left.slice(0, end).sub_(at::mm(factor.slice(0, begin, end).slice(1, end).t(), errors));
    }
    const at::Tensor scales = block_scales.empty() ? whole_scales : at::stack(block_scales, 1);
    return {rounded.t().to(at::kFloat).contiguous(), scales};
  }

  at::Tensor weight_;
  const at::Tensor& moments_;
  const WeightGrid& grid_;
  const TensorQuantConfig& config_;
  DType float_type_;
  SmallScale small_;
  int64_t channels_;
};

}  // namespace

GptqResult gptq(const at::Tensor& weight, const at::Tensor& moments, const WeightGrid& grid,
                const TensorQuantConfig& config, DType float_type, SmallScale small) {
  const at::NoGradGuard no_grad;
  return Rounding(weight.detach(), moments, grid, config, float_type, small).run();
}

double output_error(const at::Tensor& error, const at::Tensor& moments) {
  const at::Tensor wide = error.to(at::kDouble);
  return at::sum(at::mm(wide, moments) * wide).item<double>();
}

}  // namespace graftwork::core
