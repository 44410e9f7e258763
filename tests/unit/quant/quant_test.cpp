// Calibration that depends on nothing but the samples, and scales that agree with what is exported.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/quant/scales.h"

namespace graftwork {
namespace {

/// Samples in memory, optionally in another order.
class Samples final : public SampleSource {
 public:
  explicit Samples(at::Tensor data) : data_(std::move(data)) {}
  int64_t size() const override { return data_.size(0); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override { return {data_.slice(0, begin, end).clone()}; }

 private:
  at::Tensor data_;
};

constexpr const char* kNetwork = R"(graph(%x: f32[2, 3, 9, 9]) {
  %a = nn.Conv2d @conv(%x) {in_channels=3, out_channels=8, kernel_size=[3, 3], padding=[1, 1], bias=none}
  %b = nn.BatchNorm2d @bn(%a) {num_features=8}
  %c = nn.ReLU @act(%b)
  %d = nn.AdaptiveAvgPool2d @pool(%c) {output_size=[1, 1]}
  %e = nn.Flatten @flatten(%d)
  %y = nn.Linear @fc(%e) {in_features=8, out_features=4}
  return %y
}
)";

Network network(const char* text = kNetwork) {
  Network result{std::move(transform(parse(text)).model), {}};
  at::manual_seed(7);
  for (const auto& [name, type] : result.module.parameters()) {
    std::vector<int64_t> shape;
    for (const Dim& dim : type.dims) shape.push_back(dim.value());
    at::Tensor tensor = at::randn(shape);
    if (name.ends_with("running_var")) tensor = tensor.abs() + 0.5;
    result.tensors.set(name, tensor);
  }
  return result;
}

at::Tensor data(int64_t count) {
  at::manual_seed(11);
  return at::randn({count, 3, 9, 9});
}

std::vector<Symbol> observed() { return {"x", "fused_conv_bn_act_0", "fused_adaptive_avg_pool2d_0"}; }

std::string ranges(const Network& net, const at::Tensor& samples, int threads) {
  CalibrationOptions options;
  options.threads = threads;
  std::string text;
  for (const auto& [name, range] : calibrate(net, observed(), Samples(samples), options)) {
    char line[128];
    std::snprintf(line, sizeof line, "%s %a %a\n", name.c_str(), static_cast<double>(range.min), static_cast<double>(range.max));
    text += line;
  }
  return text;
}

TEST(Calibration, IsTheSameForAnyThreadsAndOrder) {
  const Network net = network();
  const at::Tensor samples = data(13);
  const std::string one = ranges(net, samples, 1);
  EXPECT_EQ(ranges(net, samples, 2), one);
  EXPECT_EQ(ranges(net, samples, 5), one);
  EXPECT_EQ(ranges(net, samples.flip(0), 2), one);
  EXPECT_NE(ranges(net, samples.slice(0, 0, 1), 1), one) << "the ranges do not depend on the samples at all";
}

TEST(Calibration, FindsTheRangeOfEveryTensor) {
  const Network net = network();
  const at::Tensor samples = data(6);
  const auto found = calibrate(net, observed(), Samples(samples), {});
  EXPECT_EQ(found.at("x").min, samples.min().item<float>());
  EXPECT_EQ(found.at("x").max, samples.max().item<float>());
  EXPECT_EQ(found.at("fused_conv_bn_act_0").min, 0.0F);
}

TEST(Calibration, RunsSampleBySampleUnlessTheGraphHoldsItsBatchFast) {
  EXPECT_EQ(micro_batch_size(network().module), 1);
  EXPECT_EQ(micro_batch_size(parse("graph(%x: f32[4, 6]) {\n  %y = aten.view.default(%x) {size=[4, 2, 3]}\n  return %y\n}\n")), 4);
  EXPECT_EQ(micro_batch_size(parse("graph(%x: f32[n, 6]) {\n  %y = aten.view.default(%x) {size=[-1, 2, 3]}\n  return %y\n}\n")), 1);
}

TEST(Calibration, NamesTheFirstSampleThatHoldsNaN) {
  at::Tensor samples = data(9);
  samples[4][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  samples[7][0][0][0] = std::numeric_limits<float>::infinity();
  const Network net = network();
  for (const int threads : {1, 2, 4}) {
    CalibrationOptions options;
    options.threads = threads;
    try {
      calibrate(net, observed(), Samples(samples), options);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), "data.value");
      EXPECT_NE(error.message().find("sample 4"), std::string::npos) << error.message();
    }
  }
}

TEST(Calibration, StopsWhenAsked) {
  CalibrationOptions options;
  options.interrupted = [] { return true; };
  EXPECT_THROW(calibrate(network(), observed(), Samples(data(4)), options), Error);
}

TEST(Scales, AreRoundedAsTheyWillBeExported) {
  EXPECT_EQ(exported_scale(0.1F, DType::kF32), 0.1F);
  EXPECT_EQ(exported_scale(0.1F, DType::kF16), static_cast<float>(c10::Half(0.1F)));
  EXPECT_EQ(exported_scale(3.3e-5F, DType::kF16), 3.3e-5F) << "below 2^-14 half precision would lose bits";
  EXPECT_EQ(exported_scale(3.3e-5F, DType::kF16, SmallScale::kHalf), static_cast<float>(c10::Half(3.3e-5F)));
  EXPECT_GT(exported_scale(1e-9F, DType::kF16, SmallScale::kHalf), 0.0F) << "a scale of zero is refused";
  EXPECT_EQ(activation_scale({-254, 127, true}, DType::kF32), 2.0F);
  EXPECT_EQ(activation_scale({0, 0, true}, DType::kF16), 1.0F);
}

TEST(Scales, GiveADeadChannelTheSmallestScale) {
  const at::Tensor weight = at::zeros({3, 4});
  weight[0].fill_(127);
  weight[2].fill_(-254);
  EXPECT_TRUE(at::equal(weight_scales(weight, 0, {}, DType::kF32), at::tensor({1.0F, 1.0F, 2.0F})));
  EXPECT_TRUE(at::equal(weight_scales(at::zeros({2, 4}), 0, {}, DType::kF32), at::ones({2})));
  EXPECT_TRUE(at::equal(weight_scales(weight.t(), 1, {}, DType::kF32), at::tensor({1.0F, 1.0F, 2.0F})));
}

TEST(Scales, RefuseAWeightThatIsNotFinite) {
  at::Tensor weight = at::ones({2, 2});
  weight[1][1] = std::numeric_limits<float>::infinity();
  EXPECT_THROW(weight_scales(weight, 0, {}, DType::kF32), Error);
}

TEST(Scales, AreExactInTheFileAfterFolding) {
  const at::Tensor factor = at::tensor({-0.37, 0.0, 1.9}, at::kDouble);
  const at::Tensor scales = weight_scales(at::randn({3, 5}), 0, factor, DType::kF16);
  const at::Tensor stored = scales.to(at::kDouble) * at::where(factor == 0, at::full_like(factor, 0.37), factor).abs();
  EXPECT_TRUE(at::allclose(stored.to(at::kHalf).to(at::kDouble), stored, 1e-6, 0)) << "the folded scale is a half";
  EXPECT_TRUE((scales > 0).all().item<bool>());
}

TEST(Quantize, ChangesNothingOfItsInputAndGivesEveryStubAScale) {
  const Network net = network();
  const size_t tensors = net.tensors.size();
  const QuantizationResult result = quantize(net, Samples(data(4)), {}, {});
  EXPECT_EQ(net.tensors.size(), tensors);
  EXPECT_EQ(result.plan.stubs.size(), 2U);
  for (const PlannedStub& stub : result.plan.stubs) EXPECT_TRUE(result.network.tensors.contains(stub.stub.str() + ".scale"));
  EXPECT_EQ(result.samples, 4);
}

TEST(Quantize, WarnsOfATensorThatWasZeroThroughout) {
  const QuantizationResult result = quantize(network(), Samples(at::zeros({2, 3, 9, 9})), {}, {});
  ASSERT_FALSE(result.warnings.empty());
  EXPECT_NE(result.warnings[0].find("%x"), std::string::npos) << result.warnings[0];
}

TEST(Quantize, NamesTheTensorThatDoesNotFitHalf) {
  QuantizeOptions options;
  options.float_type = DType::kF16;
  try {
    quantize(network(), Samples(data(2) * 1e6), {}, options);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "quant.fp16");
    EXPECT_NE(error.report().find("%x reaches"), std::string::npos) << error.report();
  }
  options.float_type = DType::kF32;
  EXPECT_NO_THROW(quantize(network(), Samples(data(2) * 1e6), {}, options));
}

TEST(FakeQuantize, DividesTrulyRoundsHalfToEvenAndClips) {
  const at::Tensor scale = at::scalar_tensor(0.5F, at::kFloat);
  const at::Tensor x = at::tensor({0.25F, 0.75F, -0.25F, 1.25F, 100.0F, -100.0F});
  EXPECT_TRUE(at::equal(fake_quantize(x, scale, 0, {-128, 127}), at::tensor({0.0F, 1.0F, 0.0F, 1.0F, 63.5F, -64.0F})));
}

TEST(FakeQuantize, PassesTheGradientInsideTheRangeOnly) {
  const at::Tensor x = at::tensor({0.3F, 100.0F, -100.0F}).requires_grad_(true);
  fake_quantize(x, at::scalar_tensor(0.5F, at::kFloat), 0, {-128, 127}).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), at::tensor({1.0F, 0.0F, 0.0F})));
}

}  // namespace
}  // namespace graftwork
