// Scales: of activations, of weights behind a batch norm; and quantize as a whole.
#include "graftwork/quant/scales.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/quant/range_search.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

at::Tensor floats(std::initializer_list<float> values) { return at::tensor(at::ArrayRef<float>(values)); }
at::Tensor doubles(std::initializer_list<double> values) { return at::tensor(at::ArrayRef<double>(values)); }

at::Tensor images(int64_t count) { return random_tensor({DType::kF32, {Dim(count), Dim(3), Dim(5), Dim(5)}}, 7); }

float half_of(float value) { return static_cast<float>(c10::Half(value)); }

TensorQuantConfig by(CalibrationMethod method) {
  TensorQuantConfig config;
  config.per_channel = true;
  config.calibration_method = method;
  return config;
}

/// As quantize makes them.
at::Tensor rounded_scales(const at::Tensor& weight, int64_t axis, const at::Tensor& factor, DType type) {
  return exported_weight_scales(weight_scales(weight, {.axis = axis}, by(CalibrationMethod::kMinMax)), factor, type);
}

TEST(ActivationScale, IsTheLargestMagnitudeOver127) {
  const TensorQuantConfig minmax = by(CalibrationMethod::kMinMax);
  EXPECT_EQ(activation_scale({-2.54F, 1, true}, minmax, DType::kF32), 2.54F / 127.0F);
  EXPECT_EQ(activation_scale({-1, 3, true}, minmax, DType::kF16), half_of(3.0F / 127.0F));
  EXPECT_EQ(activation_scale({0, 0, true}, minmax, DType::kF32), 1);
  EXPECT_EQ(activation_scale({}, minmax, DType::kF16), 1);
}

TEST(ActivationScale, MayClipWhatIsRare) {
  Range range{-1, 100, true};
  std::vector<float> values(100'000, 1.0F);
  values[7] = 100;
  range.histogram.add(values, 100);
  const float scale = activation_scale(range, by(CalibrationMethod::kMse), DType::kF32);
  EXPECT_EQ(scale, least_squares_end(range.histogram, 100, 127) / 127.0F);
  EXPECT_LT(scale, 80.0F / 127.0F);
}

TEST(WeightScales, OfAPercentileLeaveOutTheLargestWeights) {
  TensorQuantConfig config = by(CalibrationMethod::kPercentile);
  config.percentile = 75;
  const at::Tensor weight = floats({1, -2, 0.5F, 9, 8, 3, -1, 0}).view({2, 4});
  EXPECT_TRUE(at::allclose(weight_scales(weight, {}, config), doubles({2.0 / 127, 3.0 / 127})));
}

TEST(WeightScales, AreOnePerOutputChannel) {
  const at::Tensor weight = floats({1, -2, 0.5F, 0.25F, 127, 3}).view({3, 2, 1, 1});
  EXPECT_TRUE(at::equal(rounded_scales(weight, 0, {}, DType::kF32), floats({2.0F / 127, 0.5F / 127, 1})));
  EXPECT_TRUE(
      at::equal(rounded_scales(weight.transpose(0, 1), 1, {}, DType::kF32), floats({2.0F / 127, 0.5F / 127, 1})));
}

TEST(WeightScales, MayClipWhatIsRare) {
  at::Tensor weight = random_tensor({DType::kF32, {Dim(70), Dim(3), Dim(20), Dim(20)}}, 11);
  weight[5] = 0;
  weight[6][0][0][0] = 9;
  const auto scales = [&](const at::Tensor& value) { return weight_scales(value, {}, by(CalibrationMethod::kMse)); };
  const at::Tensor clipping = scales(weight);
  const at::Tensor whole = weight_scales(weight, {}, by(CalibrationMethod::kMinMax));
  const auto errors = [&](const at::Tensor& scale) {
    const at::Tensor column = scale.view({-1, 1, 1, 1});
    return (((weight / column).round().clamp(-127, 127) * column) - weight).square().sum({1, 2, 3});
  };
  EXPECT_TRUE((errors(clipping) <= errors(whole) * (1 + 1e-9)).all().item<bool>());
  EXPECT_LT(errors(clipping).sum().item<double>(), 0.995 * errors(whole).sum().item<double>());
  EXPECT_LT(clipping[6].item<double>(), whole[6].item<double>());
  EXPECT_EQ(clipping[5].item<double>(), clipping.min().item<double>());
  at::set_num_threads(1);
  const at::Tensor alone = scales(weight);
  at::set_num_threads(2);
  EXPECT_TRUE(at::equal(alone, clipping)) << "threads";
  EXPECT_TRUE(at::equal(scales(weight.slice(0, 3, 20)).slice(0, 4), clipping.slice(0, 7, 20))) << "other rows";
}

TEST(WeightScales, AreOneForTheWholeOrForEachBlock) {
  const at::Tensor weight = floats({1, -2, 0.5F, 0.25F, 14, 3, 0, 7}).view({2, 4});
  TensorQuantConfig config = by(CalibrationMethod::kMinMax);
  const WeightGrid blocks{weight_range("int4"), 0, 2};
  EXPECT_TRUE(at::allclose(weight_scales(weight, blocks, config), doubles({2.0 / 7, 0.5 / 7, 2, 1}).view({2, 2})));
  config.per_channel = false;
  EXPECT_TRUE(at::equal(weight_scales(weight, {}, config), at::scalar_tensor(14.0 / 127, at::kDouble)));
}

TEST(AffineScales, ReachFromTheLeastValueToTheLargest) {
  const AffineScales one =
      affine_scales(floats({-1, 0.5F, 0}), floats({3, 2.55F, 0}), activation_range("int8"), DType::kF32);
  EXPECT_TRUE(at::allclose(one.scale, floats({4.0F / 255, 0.01F, 1})));
  EXPECT_TRUE(at::equal(one.zero_point, floats({-64, -128, -128})));
}

TEST(WeightScales, GiveADeadChannelTheSmallestScaleThereIs) {
  EXPECT_TRUE(at::equal(rounded_scales(floats({2, 0, 1}).view({3, 1}), 0, {}, DType::kF32),
                        floats({2.0F / 127, 1.0F / 127, 1.0F / 127})));
  EXPECT_TRUE(at::equal(rounded_scales(at::zeros({3, 2}), 0, {}, DType::kF32), at::ones({3})));
}

TEST(WeightScales, AreRoundedAsTheFoldedScaleIsStored) {
  const at::Tensor weight = random_tensor({DType::kF32, {Dim(64), Dim(9)}}, 1),
                   factor = random_tensor({DType::kF64, {Dim(64)}}, 2);  // half of γ are negative
  for (const DType type : {DType::kF32, DType::kF16}) {
    const at::Tensor scales = rounded_scales(weight, 0, factor, type);
    EXPECT_TRUE((scales > 0).all().item<bool>());
    const at::Tensor stored = (scales.to(at::kDouble) * factor.abs()).to(at::kFloat);
    if (type == DType::kF16) {
      EXPECT_TRUE(at::equal(exported_scales(stored, type), stored.to(at::kHalf).to(at::kFloat)));
      EXPECT_LE(relative_difference(exported_scales(stored, type), stored), 1e-6)
          << "the file would hold another scale";
    }
    const at::Tensor exact = weight.abs().amax(1).to(at::kDouble) / 127.0;
    EXPECT_LE(((scales.to(at::kDouble) - exact).abs() / exact).max().item<double>(),
              type == DType::kF16 ? 0.0005 : 1e-6);
  }
}

TEST(WeightScales, SurviveAGammaOfZero) {
  const at::Tensor weight = floats({1, 2, 3}).view({3, 1});
  const at::Tensor scales = rounded_scales(weight, 0, doubles({0.5, 0, -2}), DType::kF32);
  EXPECT_TRUE(at::allclose(scales, floats({1.0F / 127, 2.0F / 127, 3.0F / 127}), 1e-6));
  EXPECT_TRUE(at::allclose(rounded_scales(weight, 0, doubles({0, 0, 0}), DType::kF16),
                           floats({1.0F / 127, 2.0F / 127, 3.0F / 127}), 1e-3));
}

TEST(WeightScales, KeepSubnormalProductsInFp32) {
  const at::Tensor scales = rounded_scales(floats({1, 1}).view({2, 1}), 0, doubles({1e-3, 1}), DType::kF16);
  EXPECT_LE(relative_difference(scales[0], at::scalar_tensor(1.0F / 127)), 1e-6)
      << "rounded although FP16 would lose bits";
  EXPECT_EQ(scales[1].item<float>(), half_of(1.0F / 127));
}

TEST(WeightScales, RefuseNumbersThatAreNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_THROW(rounded_scales(floats({1, bad}).view({2, 1}), 0, {}, DType::kF32), Error);
  }
}

Network small_network() {
  Network network = network_of(
      "graph(%x: f32[s0, 3, 5, 5]) {\n  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], "
      "bias=none}\n"
      "  %b = nn.BatchNorm2d @bn(%c) {num_features=4}\n  %r = nn.ReLU @act(%b)\n"
      "  %d = nn.Conv2d @last(%r) {in_channels=4, out_channels=2, kernel_size=[3, 3]}\n  return %d\n}\n");
  network.module = transform(network.module).model;
  return network;
}

QuantizationResult quantized(const Network& network, const at::Tensor& samples, DType type = DType::kF32) {
  QuantizeOptions options;
  options.float_type = type;
  return quantize(network, MemorySamples(samples), {}, options);
}

TEST(Quantize, WarnsOfTensorsThatWereZeroThroughout) {
  const Network network = small_network();
  const QuantizationResult result = quantized(network, at::zeros({5, 3, 5, 5}));
  EXPECT_EQ(result.warnings, std::vector<std::string>{"%x was zero in all of the calibration data"});
  EXPECT_EQ(result.network.tensors.at("quant_stub_0.scale").item<float>(), 1);
  EXPECT_EQ(result.samples, 5);
  EXPECT_EQ(network.tensors.size() + 6, result.network.tensors.size()) << "two stubs, two weights, two biases";
  EXPECT_FALSE(network.tensors.contains("quant_stub_0.scale")) << "the network that was given has changed";
}

TEST(Quantize, NamesTensorsThatNoSampleReaches) {
  Network network = network_of(
      "graph(%x: f32[s0, s1, 6]) {\n  %a = nn.Linear @a(%x) {in_features=6, out_features=6}\n  return %a\n}\n");
  network.module = transform(network.module).model;
  try {
    quantized(network, at::zeros({5, 0, 6}));
    FAIL() << "a range came from nowhere";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "data.unseen");
    EXPECT_EQ(error.message(), "%x was empty on every sample: its range is not known");
  }
}

TEST(Quantize, WarnsOfFewSamples) {
  EXPECT_EQ(quantized(small_network(), images(3)).warnings,
            std::vector<std::string>{"ranges of 3 samples are a matter of chance: calibrate on some hundreds"});
}

TEST(Quantize, GivesANetworkWhoseValuesLieOnTheGridOfTheirScales) {
  for (const DType type : {DType::kF32, DType::kF16}) {
    const QuantizationResult result = quantized(small_network(), images(9), type);
    EXPECT_EQ(result.warnings, std::vector<std::string>());
    const Node& stub = node_named(result.network.module, "quant_stub_1");
    const Executor executor(result.network.module, {{&stub}});
    RunOptions options;
    options.any_batch = true;
    at::Tensor value;
    options.watcher = [&](const ValueRef&, const at::Tensor& seen) { value = seen; };
    executor.run(result.network.tensors, std::vector{images(4)}, options);
    const at::Tensor scale = result.network.tensors.at("quant_stub_1.scale");
    EXPECT_EQ(scale.item<float>(),
              activation_scale(result.ranges.at(stub.input(0).name().str()), by(CalibrationMethod::kMinMax), type));
    EXPECT_TRUE(at::equal(value, quantize_codes(value, scale, 0, activation_range("int8")) * scale));
    EXPECT_GT(std::get<0>(at::_unique(value)).numel(), 20);
  }
}

TEST(Quantize, KeepsWhatDoesNotFitFp16InFp32) {
  Network network = small_network();
  network.tensors.set("last.bias", floats({1e5F, 0}));
  EXPECT_EQ(quantized(network, images(4)).network.wide, WideNodes());
  const WideNodes wide = quantized(network, images(4), DType::kF16).network.wide;
  ASSERT_TRUE(wide.contains("fused_conv_bn_0"));
  EXPECT_TRUE(wide.at("fused_conv_bn_0").starts_with("%fused_conv_bn_0 reaches ")) << wide.at("fused_conv_bn_0");
  EXPECT_TRUE(wide.contains("quant_stub_1")) << "DQ in front of it gives FP32 too";
  EXPECT_EQ(wide.size(), 2U);
}

TEST(Quantize, NamesAWeightThatIsNotFiniteAndNotTheDataThatMetIt) {
  for (const char* name : {"conv.weight", "last.weight"}) {
    for (const DType type : {DType::kF32, DType::kF16}) {
      Network network = small_network();
      const at::Tensor weight = network.tensors.at(name).clone();
      weight[1][0][0][0] = std::numeric_limits<float>::quiet_NaN();
      network.tensors.set(name, weight);
      try {
        quantized(network, images(4), type);
        FAIL() << "it was accepted";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), "quant.weight") << error.report();
        EXPECT_EQ(error.context().at(0), name);
      }
    }
  }
}

}  // namespace
}  // namespace graftwork::core::testing
