#include "graftwork/quant/rounding/adaround.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "graftwork/base/error.h"

namespace graftwork::core {
namespace {

constexpr double kStretch = 1.2, kBelow = 0.1;  // ζ − γ and −γ
constexpr double kLearningRate = 0.03, kMomentum = 0.9, kSquares = 0.999, kEpsilon = 1e-8;
constexpr double kPressure = 1;           // λ
constexpr double kWithoutPressure = 0.2;  // of the iterations
constexpr double kFirstExponent = 20, kLastExponent = 2;
constexpr int64_t kBatch = 256;               // rows
constexpr int64_t kMostMoments = 512;         // inputs
constexpr int64_t kBlock = int64_t{1} << 17;  // weights: with all that is computed of them they fit a core's cache
constexpr int64_t kBetweenPolls = 16;         // iterations
constexpr uint64_t kSeed = 0;

at::Tensor in_order_of_chance(const at::Tensor& rows) {
  const at::Generator generator = at::detail::createCPUGenerator(kSeed);
  return rows.index_select(1, at::randperm(rows.size(1), generator, at::TensorOptions(at::kLong)));
}

/// Where so much of the training is done; nothing while there is no pressure.
double exponent_at(double progress) {
  const double share = (progress - kWithoutPressure) / (1 - kWithoutPressure);
  return kLastExponent + (kFirstExponent - kLastExponent) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

/// Adam (Kingma and Ba 2015).
class Adam {
 public:
  explicit Adam(const at::Tensor& like) : mean_(at::zeros_like(like)), squares_(at::zeros_like(like)) {}

  void step(at::Tensor& value, const at::Tensor& gradient) {
    ++steps_;
    mean_.lerp_(gradient, 1 - kMomentum);
    squares_.mul_(kSquares).addcmul_(gradient, gradient, 1 - kSquares);
    const double unbiased = 1 - std::pow(kSquares, steps_);
    const at::Tensor spread = squares_.sqrt().div_(std::sqrt(unbiased)).add_(kEpsilon);
    value.addcdiv_(mean_, spread, -kLearningRate / (1 - std::pow(kMomentum, steps_)));
  }

 private:
  at::Tensor mean_, squares_;
  double steps_ = 0;
};

at::Tensor scale_of_each(const at::Tensor& scales, const at::Tensor& weight) {
  const int64_t outputs = weight.size(0);
  const at::Tensor wide = scales.to(at::kFloat);
  if (is_of_blocks(wide)) return wide.repeat_interleave(weight.size(-1) / wide.size(-1), -1);
  return wide.reshape({-1, 1}).expand({outputs, weight.numel() / outputs});
}

}  // namespace

AdaRound::AdaRound(const at::Tensor& weight, const at::Tensor& scales, QuantRange range, const at::Tensor& rows,
                   AdaRoundOptions options)
    : options_(std::move(options)), range_(range), like_(weight.detach()) {
  GRAFTWORK_ASSERT(!range.is_e4m3 && rows.size(1) > 0);
  const at::NoGradGuard no_grad;
  const int64_t groups = rows.size(0), count = rows.size(1), width = rows.size(2);
  const std::vector<int64_t> shape{groups, weight.size(0) / groups, width};
  scales_ = scale_of_each(scales, like_).reshape(shape);
  weight_ = like_.to(at::kFloat).reshape(shape);
  chosen_ = at::empty_like(weight_, at::MemoryFormat::Contiguous);
  at::Tensor read = in_order_of_chance(rows);
  if (options_.mean_is_corrected) read.sub_(read.mean(1, /*keepdim=*/true));
  at::Tensor size = read.square().mean(std::vector<int64_t>{1, 2}, /*keepdim=*/true).sqrt();
  size.masked_fill_(size == 0, 1);
  read.div_(size);
  if (width <= kMostMoments) {
    inputs_.moments = at::bmm(read.transpose(1, 2), read).div_(count);
  } else {
    inputs_.rows = std::move(read);
  }
  inputs_.drawn = static_cast<double>(width) / static_cast<double>(width + 20 * count);
  axis_ = groups == 1 ? 1 : 0;
  step_ = std::max<int64_t>(1, kBlock * weight_.size(axis_) / weight_.numel());
}

int64_t AdaRound::blocks() const { return (weight_.size(axis_) + step_ - 1) / step_; }

/// Of the mean of (error · x)² for each output, without the factor 2.
at::Tensor AdaRound::Inputs::gradient(const at::Tensor& error, int64_t iteration) const {
  at::Tensor found;
  if (moments.defined()) {
    found = at::bmm(error, moments);
  } else {
    const int64_t count = rows.size(1), batches = std::max<int64_t>(1, count / kBatch), batch = iteration % batches;
    const at::Tensor some = rows.slice(1, batch * count / batches, (batch + 1) * count / batches);
    found = at::bmm(at::bmm(error, some.transpose(1, 2)), some).div_(some.size(1));
  }
  return found.mul_(1 - drawn).add_(error, drawn);
}

at::Tensor AdaRound::Inputs::mean_square(const at::Tensor& error) const {
  if (moments.defined()) return at::bmm(error, moments).mul_(error).sum(-1, false, at::kDouble);
  return at::bmm(error, rows.transpose(1, 2)).square_().mean(-1, false, at::kDouble);
}

at::Tensor AdaRound::goes_up(const at::Tensor& lower_error, const at::Tensor& span, const Inputs& inputs) const {
  // sigmoid(value) = (h + 0.1) / 1.2 for the h of the float weight
  at::Tensor value = at::logit((-lower_error).clamp_(0, 1).add_(kBelow).div_(kStretch));
  Adam adam(value);
  for (int64_t i = 0; i < options_.iterations; ++i) {
    if (i % kBetweenPolls == 0 && options_.interrupted && options_.interrupted())
      throw Error("interrupted", "stopped before the weights were rounded");
    const at::Tensor sigmoid = value.sigmoid();
    const at::Tensor stretched = sigmoid * kStretch - kBelow;
    const at::Tensor h = stretched.clamp(0, 1);
    at::Tensor gradient = inputs.gradient(at::addcmul(lower_error, h, span), i).mul_(span).mul_(2);
    const double progress = static_cast<double>(i) / static_cast<double>(options_.iterations);
    if (progress >= kWithoutPressure) {
      const double exponent = exponent_at(progress);
      const at::Tensor side = h.mul(2).sub_(1);
      gradient.addcmul_(side.abs().pow_(exponent - 1), side.sign(), -2 * kPressure * exponent);
    }
    gradient.mul_(at::sub(sigmoid, sigmoid.square()).mul_(kStretch)).mul_(stretched == h);
    adam.step(value, gradient);
  }
  return value >= 0;
}

void AdaRound::round_block(int64_t index) {
  const at::NoGradGuard no_grad;
  const int64_t begin = index * step_, end = std::min(begin + step_, weight_.size(axis_));
  const auto part = [&](const at::Tensor& whole) { return whole.slice(axis_, begin, end); };
  Inputs inputs = inputs_;
  if (axis_ == 0) {
    for (at::Tensor* of_groups : {&inputs.rows, &inputs.moments}) {
      if (of_groups->defined()) *of_groups = part(*of_groups);
    }
  }
  const at::Tensor scale = part(scales_), wanted = part(weight_) / scale;
  const auto code = [&](const at::Tensor& whole) { return whole.clamp(range_.min, range_.max); };
  const at::Tensor lower = code(wanted.floor()), upper = code(wanted.floor() + 1), nearest = code(wanted.round());
  const at::Tensor trained = at::where(goes_up(lower - wanted, upper - lower, inputs), upper, lower);
  const at::Tensor is_better = inputs.mean_square(trained - wanted) < inputs.mean_square(nearest - wanted);
  part(chosen_).copy_(at::where(is_better.unsqueeze(-1), trained, nearest) * scale);
}

at::Tensor AdaRound::result() const { return chosen_.reshape(like_.sizes()).to(like_.scalar_type()); }

}  // namespace graftwork::core
