#include "graftwork/quant/scales.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/quant/range_search.h"

namespace graftwork::core {
namespace {

/// Channels without a value, or with such as are as good as zero, take the smallest scale there is.
at::Tensor without_zeros(const at::Tensor& scales) {
  const at::Tensor alive = scales >= kLeastScale;
  const at::Tensor positive = scales.masked_select(alive);
  const double smallest = positive.numel() > 0 ? positive.min().item<double>() : 1.0;
  return at::where(alive, scales, at::scalar_tensor(smallest, scales.options()));
}

/// What folding a batch norm multiplies scales by; beside scales of blocks, [channels, 1].
at::Tensor magnitudes(const at::Tensor& factor, const at::Tensor& scales) {
  const at::Tensor of_channels = without_zeros(factor.abs());
  return is_of_blocks(scales) ? of_channels.unsqueeze(1) : of_channels;
}

/// What shares a scale, as rows. Throws Error "quant.weight".
at::Tensor rows_of(const at::Tensor& weight, const WeightGrid& grid, const TensorQuantConfig& config) {
  if (!at::isfinite(weight).all().item<bool>())
    throw Error("quant.weight", "the weight holds NaN or infinity", "checking the training");
  if (!config.per_channel && grid.block_size == 0) return weight.detach().reshape({1, -1});
  const at::Tensor of_channels = weight.detach().transpose(0, grid.axis).reshape({weight.size(grid.axis), -1});
  return grid.block_size > 0 ? of_channels.reshape({-1, grid.block_size}) : of_channels;
}

/// For each row of values the end of the range, at most `largest` and at least half of it, with which codes of
/// ±`levels` serve the row best.
at::Tensor ends_of_least_error(const at::Tensor& rows, const at::Tensor& largest, double levels) {
  constexpr int kSteps = 64;
  at::Tensor ends = largest.clone();
  at::Tensor least = at::full_like(largest, std::numeric_limits<float>::infinity());
  for (int step = kSteps; step >= kSteps / 2; --step) {
    const at::Tensor candidates = largest * (static_cast<double>(step) / kSteps);
    const at::Tensor scales = (candidates / levels).clamp_min(kSmallestHalf).unsqueeze(1);
    const at::Tensor codes = (rows / scales).round_().clamp_(-levels, levels);
    const at::Tensor errors = codes.mul_(scales).sub_(rows).square_().sum(1);
    const at::Tensor better = errors < least;
    ends = at::where(better, candidates, ends);
    least = at::where(better, errors, least);
  }
  return ends;
}

/// The same for all rows, in parts that stay in the cache and are the same for any number of threads.
at::Tensor all_ends_of_least_error(const at::Tensor& rows, const at::Tensor& largest, double levels) {
  constexpr int64_t kPart = int64_t{1} << 16;
  const int64_t count = std::max<int64_t>(1, kPart / std::max<int64_t>(rows.size(1), 1));
  const int64_t parts = (rows.size(0) + count - 1) / count;
  at::Tensor ends = at::empty_like(largest);
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard no_grad;
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = part * count;
      const int64_t last = std::min(first + count, rows.size(0));
      ends.slice(0, first, last)
          .copy_(ends_of_least_error(rows.slice(0, first, last), largest.slice(0, first, last), levels));
    }
  });
  return ends;
}

/// For each row the value that `percent` of its values do not exceed.
at::Tensor percentiles(const at::Tensor& rows, double percent) {
  const uint64_t place = percentile_place(static_cast<uint64_t>(rows.size(1)), percent);
  return std::get<0>(rows.kthvalue(static_cast<int64_t>(place), 1)).to(at::kFloat);
}

}  // namespace

double largest_code(Precision precision) { return activation_range(name_of(precision)).max; }

CalibrationMethod method_for(CalibrationMethod method, Precision precision) {
  const bool clips = method != CalibrationMethod::kMovingAverageMinMax;
  return precision == Precision::kFp8 && clips ? CalibrationMethod::kMinMax : method;
}

double clipped_share(const Range& range, float scale, Precision precision) {
  return range.histogram.share_from(static_cast<double>(scale) * largest_code(precision));
}

float range_end(const Range& range, const TensorQuantConfig& config) {
  const float amax = range.amax();
  const auto levels = static_cast<int>(largest_code(config.precision));
  switch (config.calibration_method) {
    case CalibrationMethod::kMinMax:
      return amax;
    case CalibrationMethod::kMovingAverageMinMax:
      return std::max(std::fabs(range.moving_min), std::fabs(range.moving_max));
    case CalibrationMethod::kHistogram:
      return narrowed_end(range.histogram, amax, levels);
    case CalibrationMethod::kPercentile:
      return percentile_end(range.histogram, amax, config.percentile);
    case CalibrationMethod::kEntropy:
      return least_divergence_end(range.histogram, amax, levels);
    case CalibrationMethod::kMse:
      return least_squares_end(range.histogram, amax, levels);
  }
  return amax;
}

float activation_scale(const Range& range, const TensorQuantConfig& config, DType float_type, SmallScale small) {
  if (!range.seen || range.amax() == 0) return 1;
  return exported_scale(range_end(range, config) / static_cast<float>(largest_code(config.precision)), float_type,
                        small);
}

at::Tensor weight_scales(const at::Tensor& weight, const WeightGrid& grid, const TensorQuantConfig& config) {
  const at::Tensor rows = rows_of(weight, grid, config);
  const CalibrationMethod method = config.calibration_method;
  GRAFTWORK_ASSERT(is_for_weights(method));
  at::Tensor largest = method == CalibrationMethod::kPercentile ? percentiles(rows.abs(), config.percentile)
                                                                : rows.abs().amax(1).to(at::kFloat);
  if (method == CalibrationMethod::kMse)
    largest = all_ends_of_least_error(rows.to(at::kFloat).contiguous(), largest, grid.range.max);
  const at::Tensor scales = without_zeros(largest.to(at::kDouble) / grid.range.max);
  if (!config.per_channel && grid.block_size == 0) return scales.squeeze(0);
  return grid.block_size > 0 ? scales.view({weight.size(grid.axis), -1}) : scales;
}

AffineScales affine_scales(const at::Tensor& low, const at::Tensor& high, QuantRange range, DType float_type) {
  const at::Tensor least = low.clamp_max(0), most = high.clamp_min(0);
  const at::Tensor exact = (most - least) / (range.max - range.min);
  const at::Tensor scale = exported_scales(at::where(exact < kLeastScale, at::ones_like(exact), exact), float_type);
  return {scale, (range.min - least / scale).round_().clamp_(range.min, range.max)};
}

AffineScales affine_weight_scales(const at::Tensor& weight, const WeightGrid& grid, const TensorQuantConfig& config,
                                  DType float_type) {
  const auto [low, high] = at::aminmax(rows_of(weight, grid, config).to(at::kFloat), 1);
  if (config.per_channel) return affine_scales(low, high, grid.range, float_type);
  return affine_scales(low.squeeze(0), high.squeeze(0), grid.range, float_type);
}

at::Tensor exported_weight_scales(const at::Tensor& scales, const at::Tensor& factor, DType float_type,
                                  SmallScale small) {
  if (!factor.defined()) return exported_scales(scales, float_type, small);
  const at::Tensor rounded = exported_scales(scales.to(at::kDouble) * magnitudes(factor, scales), float_type, small);
  return unfolded_weight_scales(rounded, factor).to(at::kFloat);
}

at::Tensor folded_weight_scales(const at::Tensor& scales, const at::Tensor& factor, DType float_type,
                                SmallScale small) {
  const at::Tensor plain = scales.to(at::kFloat).contiguous();
  if (!factor.defined()) return plain;
  const at::Tensor magnitude = magnitudes(factor, plain).expand_as(plain).contiguous();
  at::Tensor folded = exported_scales(plain.to(at::kDouble) * magnitude, float_type, small);
  // In FP32 a division and a multiplication may end a step or two beside where they began.
  constexpr int kFarthest = 2;
  const float* wanted = plain.const_data_ptr<float>();
  const double* by = magnitude.const_data_ptr<double>();
  float* found = folded.mutable_data_ptr<float>();
  for (int64_t i = 0; i < folded.numel(); ++i) {
    float below = found[i], above = found[i];
    const auto is_it = [&](float value) { return static_cast<float>(static_cast<double>(value) / by[i]) == wanted[i]; };
    for (int step = 0; step < kFarthest && !is_it(found[i]); ++step) {
      below = std::nextafter(below, 0.0F);
      above = std::nextafter(above, std::numeric_limits<float>::infinity());
      if (is_it(below)) found[i] = below;
      if (is_it(above)) found[i] = above;
    }
  }
  return folded;
}

at::Tensor unfolded_weight_scales(const at::Tensor& folded, const at::Tensor& factor) {
  const at::Tensor wide = folded.to(at::kDouble);
  return factor.defined() ? wide / magnitudes(factor, folded) : wide;
}

}  // namespace graftwork::core
