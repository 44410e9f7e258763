#include "graftwork/quant/inputs/norm_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr double kGross = 0.5;       // divergence that no data of the kind have
constexpr double kVisible = 0.1;     // divergence that asks for an explanation
constexpr double kExplained = 4;     // by how much less an explanation has to leave
constexpr double kLargestShare = 4;  // of one output: a dead channel must not decide

/// x ↦ scale · x + offset, by channel; then, maybe, with the channels the other way round.
struct Change {
  std::string text;
  std::vector<double> scale;
  std::vector<double> offset;
  bool is_reversed = false;
};

const std::array<double, 3> kMean{0.485, 0.456, 0.406};
const std::array<double, 3> kStd{0.229, 0.224, 0.225};

Change uniform(std::string text, double scale, double offset, int64_t channels) {
  return {std::move(text), std::vector<double>(static_cast<size_t>(channels), scale),
          std::vector<double>(static_cast<size_t>(channels), offset)};
}

/// (x · inner + offset − mean) / std of ImageNet.
Change normalise(std::string text, double inner, double offset) {
  Change change{std::move(text), {}, {}};
  for (size_t i = 0; i < 3; ++i) {
    change.scale.push_back(inner / kStd[i]);
    change.offset.push_back((offset - kMean[i]) / kStd[i]);
  }
  return change;
}

/// (x · std + mean) of ImageNet · outer + offset.
Change undo(std::string text, double outer, double offset) {
  Change change{std::move(text), {}, {}};
  for (size_t i = 0; i < 3; ++i) {
    change.scale.push_back(kStd[i] * outer);
    change.offset.push_back(kMean[i] * outer + offset);
  }
  return change;
}

/// The usual mistakes, the simple ones first.
std::vector<Change> changes_for(int64_t channels) {
  std::vector<Change> changes{
      uniform("", 1, 0, channels),
      uniform("numbers of 0 to 255 are given, 0 to 1 expected: divide them by 255 (pictures: mean 0, std 1)", 1.0 / 255,
              0, channels),
      uniform("numbers of 0 to 1 are given, 0 to 255 expected (pictures: mean 0, std 0.003921569)", 255, 0, channels),
      uniform("numbers of 0 to 1 are given, -1 to 1 expected (pictures: mean 0.5, std 0.5)", 2, -1, channels),
      uniform("numbers of 0 to 255 are given, -1 to 1 expected: x / 127.5 - 1 (pictures: mean 0.5, std 0.5)", 1 / 127.5,
              -1, channels),
      uniform("numbers of -1 to 1 are given, 0 to 1 expected (pictures: mean 0, std 1)", 0.5, 0.5, channels)};
  if (channels != 3) return changes;
  const std::string imagenet = "pictures: mean 0.485,0.456,0.406, std 0.229,0.224,0.225";
  changes.push_back(
      normalise("mean and deviation of ImageNet are expected: (x - mean) / std (" + imagenet + ")", 1, 0));
  changes.push_back(
      normalise("numbers of -1 to 1 are given, mean and deviation of ImageNet expected (" + imagenet + ")", 0.5, 0.5));
  changes.push_back(
      normalise("numbers of 0 to 255 are given, mean and deviation of ImageNet expected: (x / 255 - mean) / std (" +
                    imagenet + ")",
                1.0 / 255, 0));
  changes.push_back(
      undo("ImageNet's mean and deviation were taken, 0 to 1 is expected (pictures: mean 0, std 1)", 1, 0));
  changes.push_back(
      undo("ImageNet's mean and deviation were taken, -1 to 1 is expected (pictures: mean 0.5, std 0.5)", 2, -1));
  changes.push_back(undo(
      "ImageNet's mean and deviation were taken, 0 to 255 is expected (pictures: mean 0, std 0.003921569)", 255, 0));
  const size_t plain = changes.size();
  for (size_t i = 0; i < plain; ++i) {
    Change& other = changes.emplace_back(changes[i]);
    other.is_reversed = true;
    std::ranges::reverse(other.scale);  // each colour keeps its numbers
    std::ranges::reverse(other.offset);
    const std::string bgr = "the channels are expected as BGR";
    other.text = other.text.empty() ? bgr : cat(other.text, ", and ", bgr);
  }
  return changes;
}

struct Moments {
  at::Tensor mean;      // [outputs]
  at::Tensor variance;  // [outputs]
};

/// Of what the convolution gives on changed inputs.
Moments moments_of(const NormedConv& conv, const Change& change) {
  const int64_t taps = conv.weight.size(1) / conv.channels;
  const at::Tensor by_channel = conv.weight.view({-1, conv.channels, taps});
  const at::Tensor scale = at::tensor(change.scale, at::kDouble), offset = at::tensor(change.offset, at::kDouble);
  at::Tensor scaled = by_channel * scale.view({1, -1, 1});
  if (change.is_reversed) scaled = scaled.flip(1);
  const at::Tensor weight = scaled.reshape(conv.weight.sizes());
  const at::Tensor covariance = conv.patch_moment - at::outer(conv.patch_mean, conv.patch_mean);
  const at::Tensor constant = (by_channel * offset.view({1, -1, 1})).sum(at::IntArrayRef{1, 2});
  return {at::mv(weight, conv.patch_mean) + constant + conv.bias, (at::mm(weight, covariance) * weight).sum(1)};
}

NormFit compare(const NormedConv& conv, const Moments& seen) {
  const at::Tensor expected = conv.running_var + conv.eps;
  const at::Tensor ratio = (seen.variance.clamp_min(0) + conv.eps) / expected;
  const at::Tensor shift = (seen.mean - conv.running_mean).square() / expected;
  NormFit fit;
  fit.shift = std::sqrt(shift.mean().item<double>());
  fit.variance_ratio = ratio.median().item<double>();
  fit.divergence = (0.5 * (ratio + shift - 1 - ratio.log())).clamp_max(kLargestShare).mean().item<double>();
  return fit;
}

/// The change that brings most; of two that bring nearly the same the simpler one.
std::optional<std::string> best_explanation(const NormedConv& conv, double divergence) {
  constexpr double kClearly = 0.6;
  std::optional<std::string> best;
  double least = divergence / kExplained / kClearly;
  for (const Change& change : changes_for(conv.channels)) {
    if (change.text.empty()) continue;
    const double left = compare(conv, moments_of(conv, change)).divergence;
    if (left >= least * kClearly) continue;
    least = left;
    best = change.text;
  }
  return best;
}

}  // namespace

bool is_untrained(const at::Tensor& running_mean, const at::Tensor& running_var) {
  const bool is_initial = (running_mean == 0).all().item<bool>() && (running_var == 1).all().item<bool>();
  return is_initial || (running_var.min().item<double>() >= 0.5 && running_var.max().item<double>() <= 2);
}

NormFit fit_of(const NormedConv& conv) {
  NormFit fit = compare(conv, moments_of(conv, uniform("", 1, 0, conv.channels)));
  if (fit.divergence <= kVisible) return fit;
  const std::optional<std::string> explanation = best_explanation(conv, fit.divergence);
  fit.is_mismatch = fit.divergence > kGross || explanation;
  if (explanation) fit.explanation = *explanation;
  return fit;
}

}  // namespace graftwork::core
