// Bias correction: exact channel means, and a mean output that rounding the weights does not move.
#include "graftwork/quant/bias_correction.h"

#include <gtest/gtest.h>

#include "graftwork/base/text.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

at::Tensor numbers(int64_t count, uint64_t seed) { return random_tensor({DType::kF32, {Dim(count), Dim(6)}}, seed); }

Network transformed(const std::string& text) {
  Network network = network_of(text);
  network.module = transform(network.module).model;
  return network;
}

/// Images whose channels are constant: what a layer without padding makes of them is its mean output.
at::Tensor flat_images(int64_t channels) {
  const at::Tensor levels = random_tensor({DType::kF32, {Dim(1), Dim(channels), Dim(1), Dim(1)}}, 3);
  return levels.expand({1, channels, 7, 7}).contiguous();
}

QuantizationResult quantized(const Network& network, const at::Tensor& samples, bool corrected) {
  QuantConfig config;
  config.weight.bias_correction = corrected;
  QuantizeOptions options;
  options.float_type = DType::kF32;
  return quantize(network, MemorySamples(samples), config, options);
}

/// How far the output moves when the weights are quantized and the activations are not.
double mean_error(const Network& network, const at::Tensor& samples, bool corrected) {
  const at::Tensor expected = Executor(network.module).run(network.tensors, std::vector{samples}).front();
  Network result = quantized(network, samples, corrected).network;
  Graft graft(result.module);
  for (const Node& node : result.module.graph().nodes()) {
    if (node.op() == Symbol("QuantStub")) graft.edit(node.module()).params.clear();
  }
  graft.apply();
  const at::Tensor got = Executor(result.module).run(result.tensors, std::vector{samples}).front();
  return relative_difference(got, expected);
}

constexpr const char* kConv =
    "graph(%x: f32[1, 8, 7, 7]) {\n  %c = nn.Conv2d @c(%x) {in_channels=8, out_channels=8, "
    "kernel_size=[3, 3]";

TEST(ChannelMean, IsTheMeanWhateverTheOrderAndTheParts) {
  const at::Tensor x = numbers(50, 1) * 1000;
  ChannelMean forward, backward, left, right;
  for (int64_t i = 0; i < 50; ++i) {
    forward.add(x[i].unsqueeze(0), 1);
    backward.add(x[49 - i].unsqueeze(0), -1);
    (i % 3 == 0 ? left : right).add(x[i].unsqueeze(0), 1);
  }
  left.merge(right);
  left.merge(ChannelMean());
  EXPECT_TRUE(at::equal(forward.value(), backward.value()));
  EXPECT_TRUE(at::equal(forward.value(), left.value()));
  EXPECT_LT(relative_difference(forward.value(), x.to(at::kDouble).mean(0)), 1e-15);
}

TEST(ChannelMean, TakesChannelsAlongAnyAxis) {
  const at::Tensor x = random_tensor({DType::kF32, {Dim(2), Dim(3), Dim(4), Dim(5)}}, 2);
  ChannelMean mean;
  mean.add(x, -3);
  EXPECT_LT(relative_difference(mean.value(), x.to(at::kDouble).mean(std::vector<int64_t>{0, 2, 3})), 1e-6);
  ChannelMean single;
  single.add(x.flatten(), 0);
  EXPECT_LT(relative_difference(single.value(), x.flatten().to(at::kDouble)), 1e-15);
}

TEST(ChannelMean, KeepsSmallNumbersBesideLargeOnes) {
  ChannelMean mean;
  mean.add(at::full({1, 1}, 65504.0), 1);
  mean.add(at::full({1, 1}, 1e-9), 1);
  mean.add(at::full({1, 1}, -65504.0), 1);
  EXPECT_NEAR(mean.value().item<double>(), 1e-9 / 3, 1e-17);
}

TEST(BiasCorrection, KeepsTheMeanOutput) {
  const std::pair<const char*, std::string> networks[] = {
      {"a bias", cat(kConv, "}\n  return %c\n}\n")},
      {"no bias", cat(kConv, ", bias=none}\n  return %c\n}\n")},
      {"groups", cat(kConv, ", groups=2}\n  return %c\n}\n")},
      {"a batch norm",
       cat(kConv, "}\n  %b = nn.BatchNorm2d @b(%c) {num_features=8}\n  %r = nn.ReLU @r(%b)\n  return %r\n}\n")},
      {"a batch norm without a bias in front",
       cat(kConv,
           ", bias=none}\n  %b = nn.BatchNorm2d @b(%c) {num_features=8, weight=none, bias=none}\n  return %b\n}\n")},
  };
  for (const auto& [what, text] : networks) {
    Network network = transformed(text);
    const at::Tensor weight = network.tensors.at("c.weight");
    network.tensors.set("c.weight", weight.contiguous(at::MemoryFormat::ChannelsLast));
    const double without = mean_error(network, flat_images(8), false);
    EXPECT_GT(without, 1e-4) << what;
    EXPECT_LT(mean_error(network, flat_images(8), true), 1e-6) << what;
  }
}

TEST(BiasCorrection, TakesTheChannelsOfALinearLayerFromTheLastAxis) {
  const Network network = transformed(
      "graph(%x: f32[1, 9, 6]) {\n  %a = nn.Linear @a(%x) {in_features=6, out_features=5}\n  return %a\n}\n");
  const at::Tensor x = numbers(1, 4).unsqueeze(1).expand({1, 9, 6}).contiguous();
  EXPECT_GT(mean_error(network, x, false), 1e-4);
  EXPECT_LT(mean_error(network, x, true), 1e-6);
}

TEST(BiasCorrection, GivesALinearLayerNoBiasOfItsOwn) {
  const Network network = transformed(
      "graph(%x: f32[1, 6]) {\n  %a = nn.Linear @a(%x) {in_features=6, out_features=5, bias=none}\n  return %a\n}\n");
  const QuantizationResult result = quantized(network, numbers(3, 6), true);
  EXPECT_EQ(result.plan.quantized_weights(), 1U);
  EXPECT_EQ(result.corrected_biases, 0);
}

TEST(BiasCorrection, AveragesOverTheCallsOfALayer) {
  // Each call is corrected by the mean over both, so their sum is right.
  const Network network = transformed(
      "graph(%x: f32[1, 6]) {\n  %a = nn.Linear @a(%x) {in_features=6, out_features=6}\n  %r = nn.ReLU @r(%x)\n"
      "  %b = nn.Linear @a(%r)\n  %c = aten.add.Tensor(%a, %b)\n  return %c\n}\n");
  EXPECT_GT(mean_error(network, numbers(1, 5), false), 1e-4);
  EXPECT_LT(mean_error(network, numbers(1, 5), true), 1e-6);
}

TEST(BiasCorrection, GivesASharedBatchNormTheMeanShift) {
  const Network network = transformed(
      "graph(%x: f32[1, 8, 7, 7]) {\n"
      "  %c = nn.Conv2d @c(%x) {in_channels=8, out_channels=8, kernel_size=[3, 3]}\n"
      "  %b = nn.BatchNorm2d @b(%c) {num_features=8}\n"
      "  %d = nn.Conv2d @d(%x) {in_channels=8, out_channels=8, kernel_size=[3, 3]}\n"
      "  %e = nn.BatchNorm2d @b(%d)\n  %y = aten.add.Tensor(%b, %e)\n  return %y\n}\n");
  EXPECT_EQ(quantized(network, flat_images(8), true).corrected_biases, 1);
  EXPECT_GT(mean_error(network, flat_images(8), false), 1e-4);
  EXPECT_LT(mean_error(network, flat_images(8), true), 1e-6) << "of the sum";
}

TEST(BiasCorrection, LeavesWhatALayerInFloatingPointReadsToo) {
  const Network network = transformed(
      "graph(%x: f32[1, 8, 7, 7]) {\n"
      "  %c = nn.Conv2d @c(%x) {in_channels=8, out_channels=8, kernel_size=[3, 3]}\n"
      "  %b = nn.BatchNorm2d @b(%c) {num_features=8}\n"
      "  %d = nn.ConvTranspose2d @d(%x) {in_channels=8, out_channels=8, kernel_size=[3, 3]}\n"
      "  %e = nn.BatchNorm2d @b(%d)\n  return %b, %e\n}\n");
  const QuantizationResult result = quantized(network, flat_images(8), true);
  EXPECT_EQ(result.plan.quantized_weights(), 1U);
  EXPECT_EQ(result.corrected_biases, 0);
}

}  // namespace
}  // namespace graftwork::core::testing
