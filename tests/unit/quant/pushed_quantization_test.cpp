// Data that are handed over in batches of any size give what quantize() gives.
#include "graftwork/quant/pushed/pushed_quantization.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/quant/content_hash.h"
#include "unit/quant/memory_samples.h"
#include "unit/quant/rescaled_network.h"

namespace graftwork::core::testing {
namespace {

constexpr const char* kText =
    "graph(%x: f32[1, 32, 32]) {\n  %n = nn.LayerNorm @norm(%x) {normalized_shape=[32]}\n"
    "  %a = nn.Linear @a(%n) {in_features=32, out_features=32}\n  %r = nn.ReLU @r(%a)\n"
    "  %b = nn.Linear @b(%r) {in_features=32, out_features=8}\n  return %b\n}\n";

Network with_outlying_channel() {
  Network network = transformed(kText);
  network.tensors.at("norm.weight").data()[7] *= 60;
  return network;
}

at::Tensor data(int64_t samples) { return random_tensor({DType::kF32, {Dim(samples), Dim(32), Dim(32)}}, 3); }

QuantConfig recipe(OutlierChannels outliers, CalibrationMethod method = CalibrationMethod::kMse) {
  QuantConfig config;
  config.activation.outlier_channels = outliers;
  config.activation.calibration_method = method;
  return config;
}

/// All of its numbers.
std::string numbers_of(const QuantizationResult& result) {
  return content_hash(result.network) + scale_table_text(result.scales);
}

QuantizationResult pushed(const Network& network, const at::Tensor& samples, const QuantConfig& config, int64_t batch,
                          const QuantizeOptions& options = {}) {
  PushedQuantization quantization(network, config, options);
  at::Tensor buffer;
  for (int64_t i = 0; i < samples.size(0); i += batch) {
    const at::Tensor part = samples.slice(0, i, i + batch);
    if (!buffer.defined() || buffer.size(0) != part.size(0)) buffer = at::empty_like(part);
    buffer.copy_(part);  // one buffer for all of them, as pipelines have it
    quantization.observe({buffer});
  }
  EXPECT_EQ(quantization.samples(), samples.size(0));
  return quantization.finish();
}

TEST(PushedQuantization, GivesWhatQuantizeGives) {
  const Network network = with_outlying_channel();
  const at::Tensor samples = data(30);
  for (const OutlierChannels outliers : {OutlierChannels::kKeep, OutlierChannels::kDivideLinear}) {
    for (const CalibrationMethod method : {CalibrationMethod::kMse, CalibrationMethod::kMovingAverageMinMax}) {
      const QuantConfig config = recipe(outliers, method);
      const QuantizationResult pulled = quantize(network, MemorySamples(samples), config, {});
      EXPECT_EQ(pulled.divided.empty(), outliers == OutlierChannels::kKeep);
      for (const int64_t batch : {1, 7, 30}) {
        const QuantizationResult result = pushed(network, samples, config, batch);
        EXPECT_EQ(numbers_of(result), numbers_of(pulled)) << batch;
        EXPECT_EQ(result.samples, 30);
      }
    }
  }
}

TEST(PushedQuantization, LooksAtTheFirstSamplesOnlyForWhatComesBeforeRanges) {
  const Network network = with_outlying_channel();
  const at::Tensor samples = data(100);
  const QuantConfig keep = recipe(OutlierChannels::kKeep);
  EXPECT_EQ(numbers_of(pushed(network, samples, keep, 9)),
            numbers_of(quantize(network, MemorySamples(samples), keep, {})));
  const QuantConfig divide = recipe(OutlierChannels::kDivideLinear);
  const std::string once = numbers_of(pushed(network, samples, divide, 1));
  for (const int64_t batch : {40, 100}) EXPECT_EQ(numbers_of(pushed(network, samples, divide, batch)), once) << batch;
}

TEST(PushedQuantization, HasWhatTheFloatNetworkGives) {
  const Network network = with_outlying_channel();
  PushedQuantization quantization(network, recipe(OutlierChannels::kDivideLinear), {});
  const InferenceRunner runner(network);
  const at::Tensor samples = data(90);
  for (int64_t i = 0; i < 90; i += 30) {
    const std::vector<at::Tensor> inputs{samples.slice(0, i, i + 30)};
    const std::vector<at::Tensor> results = quantization.run(inputs);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_LT(relative_difference(results[0], runner.run(inputs, {}, true)[0]), 1e-5);
  }
  EXPECT_EQ(quantization.finish().samples, 90);
}

TEST(PushedQuantization, FillsUpTheBatchThatAGraphHoldsFast) {
  const Network network = with_fixed_batch();
  const at::Tensor samples = random_tensor({DType::kF32, {Dim(10), Dim(8)}}, 5);
  const std::string pulled = numbers_of(quantize(network, MemorySamples(samples), QuantConfig(), {}));
  for (const int64_t batch : {1, 3, 4, 10})
    EXPECT_EQ(numbers_of(pushed(network, samples, QuantConfig(), batch)), pulled) << batch;
}

TEST(PushedQuantization, TakesNumbersFromATableWithoutData) {
  const Network network = with_outlying_channel();
  const QuantConfig config = recipe(OutlierChannels::kDivideLinear);
  const QuantizationResult found = quantize(network, MemorySamples(data(30)), config, {});
  QuantizeOptions options;
  options.scales = found.scales;
  PushedQuantization quantization(network, config, options);
  const QuantizationResult result = quantization.finish();
  EXPECT_EQ(result.samples, 30);
  EXPECT_EQ(scale_table_text(result.scales), scale_table_text(found.scales));
}

TEST(PushedQuantization, AnInterruptionLeavesNothingBehind) {
  const Network network = with_outlying_channel();
  const at::Tensor samples = data(200);
  const QuantConfig config = recipe(OutlierChannels::kKeep, CalibrationMethod::kMovingAverageMinMax);
  int polls = 0;
  QuantizeOptions options;
  options.calibration.interrupted = [&] { return ++polls == 90; };
  options.calibration.threads = 1;
  PushedQuantization quantization(network, config, options);
  quantization.observe({samples.slice(0, 0, 64)});
  EXPECT_THROW(quantization.observe({samples.slice(0, 64, 200)}), Error);
  EXPECT_EQ(numbers_of(quantization.finish()), numbers_of(quantize(network, MemorySamples(samples), config, {})));
}

TEST(PushedQuantization, SaysWhatDoesNotFit) {
  const Network network = with_outlying_channel();
  const auto message = [&](const auto& work) -> std::string {
    PushedQuantization quantization(network, recipe(OutlierChannels::kKeep), {});
    try {
      work(quantization);
    } catch (const Error& error) {
      return error.code() + ": " + error.message();
    }
    return "nothing";
  };
  EXPECT_EQ(message([](auto& q) { q.observe({}); }), "nn.input: the network takes 1 input (x), not 0");
  EXPECT_EQ(message([](auto& q) { q.observe({data(0)}); }), "data.shape: input x has 0 samples");
  EXPECT_EQ(message([](auto& q) { q.finish(); }), "data.empty: there is no sample to calibrate with");
  EXPECT_EQ(message([](auto& q) { q.run({at::zeros({1, 32, 31})}); }).substr(0, 9), "nn.input:");
  EXPECT_EQ(message([](auto& q) {
              at::Tensor bad = data(3);
              bad[1][2][5] = std::numeric_limits<float>::quiet_NaN();
              q.observe({bad});
              q.finish();
            }),
            "data.value: sample 1 of input x holds NaN or infinity");
  const Network two = transformed(
      "graph(%x: f32[1, 4], %y: f32[1, 4]) {\n  %s = aten.add.Tensor(%x, %y)\n"
      "  %a = nn.Linear @a(%s) {in_features=4, out_features=8}\n  return %a\n}\n");
  PushedQuantization quantization(two, QuantConfig(), {});
  EXPECT_THROW(quantization.observe({at::zeros({2, 4}), at::zeros({3, 4})}), Error);
}

TEST(PushedQuantization, RefusesRecipesAndPlansBeforeThereAreData) {
  const Network network = with_outlying_channel();
  const auto code = [&](const QuantConfig& config, const QuantizeOptions& options) -> std::string {
    try {
      PushedQuantization(network, config, options);
    } catch (const Error& error) {
      return error.code();
    }
    return "nothing";
  };
  QuantConfig config = recipe(OutlierChannels::kKeep);
  EXPECT_EQ(code(config, {}), "nothing");
  config.skip.stub = {"nowhere"};
  EXPECT_EQ(code(config, {}), "config.skip");
  config.skip = {{}, {}, {"nowhere"}};
  config.smooth_quant.emplace();
  EXPECT_EQ(code(config, {}), "config.skip");
  config.skip = {};
  config.smooth_quant->pairs = {{"nowhere", 0.5}};
  EXPECT_EQ(code(config, {}), "config.smooth_quant");
  QuantizeOptions options;
  options.plan.emplace().graph = "of another network";
  EXPECT_EQ(code(recipe(OutlierChannels::kKeep), options), "plan.graph");
}

TEST(PushedQuantization, DoesNotSayInputTwice) {
  const Network network = transformed(
      "graph(%input: f32[1, 4]) {\n  %a = nn.Linear @a(%input) {in_features=4, out_features=8}\n  return %a\n}\n");
  PushedQuantization quantization(network, recipe(OutlierChannels::kKeep), {});
  const auto message = [&](const at::Tensor& input) -> std::string {
    try {
      quantization.observe({input});
    } catch (const Error& error) {
      return error.message();
    }
    return "nothing";
  };
  EXPECT_EQ(message(at::zeros({1, 5})), "the input is f32[1, 4], the data is f32[1, 5]");
  EXPECT_EQ(message(at::full({1, 4}, std::numeric_limits<float>::infinity())),
            "sample 0 of the input holds NaN or infinity");
}

}  // namespace
}  // namespace graftwork::core::testing
