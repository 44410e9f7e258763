// What a quantized network loses: the figures are those that running both networks gives.
#include "graftwork/quant/loss/layer_losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/nn/executor.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "support/networks.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

at::Tensor floats(std::initializer_list<float> values) { return at::tensor(at::ArrayRef<float>(values)); }

SignalError between(const at::Tensor& reference, const at::Tensor& signal) {
  SignalError error;
  error.add(reference, signal);
  return error;
}

TEST(SignalError, IsTheSignalOverTheError) {
  SignalError error = between(floats({3, 4}), floats({3, 4.5F}));
  EXPECT_DOUBLE_EQ(error.sqnr_db(), 20);
  EXPECT_NEAR(error.cosine(), (9 + 18) / (5 * std::sqrt(9 + 20.25)), 1e-12);
  error.merge(between(floats({0, 5}), floats({0, 5})));
  EXPECT_NEAR(error.sqnr_db(), 10 * std::log10(50 / 0.25), 1e-12);
}

TEST(SignalError, KnowsWhatIsNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const at::Tensor masked = floats({1, -kInfinity});
  EXPECT_EQ(between(masked, masked).sqnr_db(), kInfinity) << "a mask is meant";
  EXPECT_EQ(between(floats({1, 2}), floats({1, kInfinity})).sqnr_db(), -kInfinity);
  EXPECT_EQ(between(floats({1, 2}), floats({1, std::nanf("")})).sqnr_db(), -kInfinity);
  EXPECT_EQ(between(floats({1, 2}), floats({1, std::nanf("")})).cosine(), 0);
  EXPECT_EQ(between(floats({0, 0}), floats({0, 0})).cosine(), 1);
  EXPECT_EQ(between(floats({0, 0}), floats({0, 1})).sqnr_db(), -kInfinity);
  EXPECT_TRUE(SignalError().empty());
}

Network two_convolutions() {
  Network network = network_of(
      "graph(%x: f32[s0, 3, 7, 7]) {\n  %c = nn.Conv2d @one(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3]}\n"
      "  %r = nn.ReLU @act(%c)\n"
      "  %d = nn.Conv2d @two(%r) {in_channels=4, out_channels=2, kernel_size=[3, 3]}\n  return %d\n}\n");
  network.module = transform(network.module).model;
  return network;
}

QuantizationResult quantized(const Network& network, const SampleSource& samples, int threads = 1) {
  QuantizeOptions options;
  options.float_type = DType::kF32;
  options.losses = {.samples = 5, .threads = threads};
  return quantize(network, samples, {}, options);
}

at::Tensor run(const Network& network, const at::Tensor& x) {
  RunOptions any;
  any.any_batch = true;
  return Executor(network.module).run(network.tensors, std::vector{x}, any)[0];
}

TEST(Losses, AreThoseOfRunningBothNetworks) {
  const Network network = two_convolutions();
  const at::Tensor images = random_tensor({DType::kF32, {Dim(9), Dim(3), Dim(7), Dim(7)}}, 7);
  const QuantizationResult result = quantized(network, MemorySamples(images));
  SignalError expected;
  for (const int64_t sample : {0, 1, 3, 5, 7}) {
    const at::Tensor x = images.slice(0, sample, sample + 1);
    expected.add(run(network, x), run(result.network, x));
  }
  const Losses& losses = result.losses;
  EXPECT_EQ(losses.samples, 5);
  ASSERT_EQ(losses.outputs.size(), 1U);
  EXPECT_NEAR(losses.outputs[0].error.sqnr_db(), expected.sqnr_db(), 1e-3);
  EXPECT_NEAR(losses.outputs[0].error.cosine(), expected.cosine(), 1e-6);

  ASSERT_EQ(losses.kernels.size(), 2U);
  const KernelLoss &one = losses.kernels[0], &two = losses.kernels[1];
  EXPECT_EQ(one.layer, Symbol("one"));
  EXPECT_EQ(two.layer, Symbol("two"));
  EXPECT_EQ(one.own.sqnr_db(), one.all.sqnr_db()) << "nothing is in front of the first";
  EXPECT_GT(two.own.sqnr_db(), two.all.sqnr_db() + 1) << "its own rounding is a part of what it loses";
  EXPECT_DOUBLE_EQ(two.all.sqnr_db(), losses.outputs[0].error.sqnr_db());
  EXPECT_EQ(worst_kernels(losses, 1).front(), one.own.sqnr_db() <= two.own.sqnr_db() ? &one : &two);
  EXPECT_EQ(worst_kernels(losses, 9).size(), 2U);
}

TEST(Losses, DependOnNoThreads) {  // as long as there are as many samples
  const Network network = two_convolutions();
  const MemorySamples samples(random_tensor({DType::kF32, {Dim(9), Dim(3), Dim(7), Dim(7)}}, 7));
  const Losses one = quantized(network, samples).losses, three = quantized(network, samples, 3).losses;
  EXPECT_EQ(one.outputs[0].error.sqnr_db(), three.outputs[0].error.sqnr_db());
  EXPECT_EQ(one.kernels[1].own.sqnr_db(), three.kernels[1].own.sqnr_db());
}

TEST(Losses, StopWhenTheyAreToldTo) {
  QuantizeOptions options;
  options.losses = {.interrupted = [] { return true; }};
  const MemorySamples samples(random_tensor({DType::kF32, {Dim(2), Dim(3), Dim(7), Dim(7)}}, 7));
  EXPECT_THROW(quantize(two_convolutions(), samples, {}, options), Error);
}

}  // namespace
}  // namespace graftwork::core::testing
