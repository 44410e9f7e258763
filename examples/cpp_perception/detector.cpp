#include "detector.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace {

torch::nn::Conv2dOptions three_by_three(int64_t in, int64_t out, int64_t stride) {
  return torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false);
}

/// The `count` highest peaks of heat [kinds, cells, cells], as boxes.
std::vector<Box> boxes_of(const at::Tensor& heat, const at::Tensor& extent, size_t count) {
  const at::Tensor peaks = heat * (at::max_pool2d(heat.unsqueeze(0), 3, 1, 1)[0] == heat);
  const auto [values, places] = peaks.flatten().topk(static_cast<int64_t>(count));
  const auto extents = extent.accessor<float, 3>();
  std::vector<Box> boxes;
  for (size_t i = 0; i < count; ++i) {
    const int64_t place = places[static_cast<int64_t>(i)].item<int64_t>();
    const int64_t kind = place / (kCells * kCells), y = place / kCells % kCells, x = place % kCells;
    const auto at = [&](int64_t channel) { return static_cast<double>(extents[channel][y][x]); };
    boxes.push_back({kind, (static_cast<double>(x) + at(0)) * kStride, (static_cast<double>(y) + at(1)) * kStride,
                     std::exp(at(2)) * kStride, std::exp(at(3)) * kStride});
  }
  return boxes;
}

}  // namespace

LayerImpl::LayerImpl(int64_t in, int64_t out, int64_t stride) : conv(three_by_three(in, out, stride)), bn(out) {
  register_module("conv", conv);
  register_module("bn", bn);
}

at::Tensor LayerImpl::forward(const at::Tensor& x) { return bn(conv(x)).relu_(); }

BlockImpl::BlockImpl(int64_t channels)
    : first(channels, channels, 1), conv(three_by_three(channels, channels, 1)), bn(channels) {
  register_module("first", first);
  register_module("conv", conv);
  register_module("bn", bn);
}

at::Tensor BlockImpl::forward(const at::Tensor& x) { return (bn(conv(first(x))) += x).relu_(); }

DetectorImpl::DetectorImpl()
    : stem(3, 16, 2),
      down1(16, 32, 2),
      down2(32, 64, 2),
      lateral(32, 32, 1),
      neck(96, 48, 1),
      block1(32),
      block2(64),
      heat(torch::nn::Conv2dOptions(48, kKinds, 1)),
      extent(torch::nn::Conv2dOptions(48, 4, 1)) {
  register_module("stem", stem);
  register_module("down1", down1);
  register_module("block1", block1);
  register_module("down2", down2);
  register_module("block2", block2);
  register_module("lateral", lateral);
  register_module("neck", neck);
  register_module("heat", heat);
  register_module("extent", extent);
}

std::tuple<at::Tensor, at::Tensor> DetectorImpl::forward(const at::Tensor& images) {
  const at::Tensor fine = block1(down1(stem(images)));
  const at::Tensor coarse = block2(down2(fine));
  const at::Tensor raised = at::upsample_nearest2d(coarse, {kCells, kCells});
  const at::Tensor joined = neck(at::cat({lateral(fine), raised}, 1));
  return {heat(joined), extent(joined)};
}

at::Tensor detection_loss(const at::Tensor& heat, const at::Tensor& extent, const Scenes& scenes,
                          const at::Tensor& chosen) {
  const at::Tensor wanted = scenes.heat.index_select(0, chosen), mask = scenes.mask.index_select(0, chosen);
  const at::Tensor weight = 1 + 20 * wanted.square();
  const at::Tensor found = at::binary_cross_entropy_with_logits(heat, wanted, weight);
  const at::Tensor off = (extent - scenes.extent.index_select(0, chosen)).abs() * mask;
  return 20 * found + off.sum() / mask.sum().clamp_min(1);
}

double recall(const Detect& detect, const Scenes& scenes) {
  const at::NoGradGuard no_grad;
  int64_t found = 0, all = 0;
  for (int64_t n = 0; n < scenes.images.size(0); ++n) {
    const std::vector<at::Tensor> maps = detect(scenes.images.slice(0, n, n + 1));
    const std::vector<Box>& truth = scenes.boxes[static_cast<size_t>(n)];
    const std::vector<Box> boxes =
        boxes_of(maps[0][0].to(at::kFloat).sigmoid(), maps[1][0].to(at::kFloat), truth.size());
    for (const Box& box : truth) {
      ++all;
      found += std::any_of(boxes.begin(), boxes.end(),
                           [&](const Box& other) { return other.kind == box.kind && overlap(other, box) > 0.5; });
    }
  }
  return static_cast<double>(found) / static_cast<double>(all);
}
