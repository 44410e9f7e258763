// Small networks, calibrated, and steps that train them.
#pragma once

#include <torch/optim/optimizer.h>

#include "graftwork/patterns/transform.h"
#include "graftwork/train/qat_network.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {

/// Convolutions with batch norm, a residual, a classifier.
inline const char* const kSmallCnn =
    "graph(%x: f32[s0, 3, 6, 6]) {\n"
    "  %a = nn.Conv2d @stem.conv(%x) {in_channels=3, out_channels=8, kernel_size=[3, 3], padding=[1, 1], bias=none}\n"
    "  %b = nn.BatchNorm2d @stem.bn(%a) {num_features=8}\n  %c = nn.ReLU @stem.act(%b)\n"
    "  %d = nn.Conv2d @body.conv(%c) {in_channels=8, out_channels=8, kernel_size=[3, 3], padding=[1, 1], bias=none}\n"
    "  %e = nn.BatchNorm2d @body.bn(%d) {num_features=8}\n  %f: f32[s0, 8, 6, 6] = aten.add.Tensor(%e, %c)\n"
    "  %g = nn.ReLU @body.act(%f)\n  %h = nn.AdaptiveAvgPool2d @pool(%g) {output_size=[1, 1]}\n"
    "  %i = nn.Flatten @flatten(%h)\n  %j = nn.Linear @head(%i) {in_features=8, out_features=4}\n  return %j\n}\n";

inline Network transformed(const char* text) {
  Network network = network_of(text);
  network.module = transform(network.module).model;
  return network;
}

inline at::Tensor random_batch(int64_t size, uint64_t seed, std::vector<int64_t> shape = {3, 6, 6}) {
  shape.insert(shape.begin(), size);
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::TensorOptions(at::kFloat));
}

inline QuantizationResult calibrated(const Network& network, const at::Tensor& samples = random_batch(16, 1),
                                     const QuantConfig& config = {}) {
  QuantizeOptions options;
  options.float_type = DType::kF32;
  return quantize(network, MemorySamples(samples), config, options);
}

/// One step of an optimiser on a batch that its number decides; the loss.
inline double train_step(const QatNetwork& network, torch::optim::Optimizer& optimizer, int64_t step) {
  optimizer.zero_grad();
  const at::Tensor loss = network.forward(random_batch(8, static_cast<uint64_t>(100 + step))).square().mean();
  loss.backward();
  optimizer.step();
  return loss.item<double>();
}

}  // namespace graftwork::core::testing
