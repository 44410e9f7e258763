// A detector of centres (Zhou et al. 2019, "Objects as Points"), and how well it does.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <functional>
#include <tuple>
#include <vector>

#include "scenes.h"

/// Convolution, batch norm, ReLU.
struct LayerImpl : torch::nn::Module {
  LayerImpl(int64_t in, int64_t out, int64_t stride);
  at::Tensor forward(const at::Tensor& x);
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d bn;
};
TORCH_MODULE(Layer);

/// Two of them around a shortcut.
struct BlockImpl : torch::nn::Module {
  explicit BlockImpl(int64_t channels);
  at::Tensor forward(const at::Tensor& x);
  Layer first;
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d bn;
};
TORCH_MODULE(Block);

/// [N, 3, 64, 64] → heat [N, kinds, 16, 16] as logits, extents [N, 4, 16, 16].
struct DetectorImpl : torch::nn::Module {
  DetectorImpl();
  std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& images);
  Layer stem, down1, down2, lateral, neck;
  Block block1, block2;
  torch::nn::Conv2d heat, extent;
};
TORCH_MODULE(Detector);

at::Tensor detection_loss(const at::Tensor& heat, const at::Tensor& extent, const Scenes& scenes,
                          const at::Tensor& chosen);

/// Any form of the network: images in, heat and extents out.
using Detect = std::function<std::vector<at::Tensor>(const at::Tensor& images)>;

/// Share of the shapes that are found: a box of their kind that overlaps by more than half, among as many as there are.
double recall(const Detect& detect, const Scenes& scenes);
