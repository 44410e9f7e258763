// Modules of torch's C++ front end, as teams write them.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/nn/modules/transformerlayer.h>

#include "unit/recorded/recorded_testing.h"

namespace graftwork::core::testing {

namespace nn = torch::nn;

inline NamedTensors parameters_of(const nn::Module& module) {
  NamedTensors named;
  for (const auto& item : module.named_parameters()) named.emplace_back(item.key(), item.value());
  return named;
}

inline NamedTensors buffers_of(const nn::Module& module) {
  NamedTensors named;
  for (const auto& item : module.named_buffers()) named.emplace_back(item.key(), item.value());
  return named;
}

/// A residual block with in-place activations, strided or not, with a projection where its shapes differ.
struct BlockImpl : nn::Module {
  BlockImpl(int64_t in, int64_t out, int64_t stride) {
    conv1 = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)));
    bn1 = register_module("bn1", nn::BatchNorm2d(out));
    conv2 = register_module("conv2", nn::Conv2d(nn::Conv2dOptions(out, out, 3).padding(1).bias(false)));
    bn2 = register_module("bn2", nn::BatchNorm2d(out));
    if (stride == 1 && in == out) return;
    projection = register_module("projection", nn::Conv2d(nn::Conv2dOptions(in, out, 1).stride(stride).bias(false)));
  }
  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = bn1(conv1(x)).relu_();
    y = bn2(conv2(y));
    y += projection ? projection(x) : x;
    return y.relu_();
  }
  nn::Conv2d conv1{nullptr}, conv2{nullptr}, projection{nullptr};
  nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
};
TORCH_MODULE(Block);

/// Images [N, 3, 16, 16] → [N, 10].
struct ResNetImpl : nn::Module {
  ResNetImpl() {
    stem = register_module("stem", nn::Conv2d(nn::Conv2dOptions(3, 8, 3).padding(1).bias(false)));
    bn = register_module("bn", nn::BatchNorm2d(8));
    block1 = register_module("block1", Block(8, 8, 1));
    block2 = register_module("block2", Block(8, 16, 2));
    head = register_module("head", nn::Linear(16, 10));
  }
  at::Tensor forward(at::Tensor x) {
    x = block2(block1(at::relu(bn(stem(x)))));
    return head(at::flatten(at::adaptive_avg_pool2d(x, {1, 1}), 1));
  }
  nn::Conv2d stem{nullptr};
  nn::BatchNorm2d bn{nullptr};
  Block block1{nullptr}, block2{nullptr};
  nn::Linear head{nullptr};
};
TORCH_MODULE(ResNet);

/// Tokens [N, T] → scores of the next one; one table of embeddings on both ends, under two names.
struct TiedImpl : nn::Module {
  TiedImpl() {
    embedding = register_module("embedding", nn::Embedding(11, 8));
    head = register_parameter("head", embedding->weight);
  }
  at::Tensor forward(const at::Tensor& tokens) { return at::linear(at::gelu(embedding(tokens)), head); }
  nn::Embedding embedding{nullptr};
  at::Tensor head;
};
TORCH_MODULE(Tied);

}  // namespace graftwork::core::testing
