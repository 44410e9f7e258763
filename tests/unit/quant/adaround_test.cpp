// AdaRound: rows of what a layer reads, the codes that they choose, and the networks that hold them.
#include "graftwork/quant/rounding/adaround.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/gptq/gptq.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/quant/rounding/layer_rows.h"
#include "graftwork/quant/sample_workers.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

at::Tensor random(std::vector<int64_t> shape, uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::TensorOptions(at::kFloat));
}

/// Rows [groups, count, width] whose numbers go together and differ in size.
at::Tensor rows(int64_t groups, int64_t count, int64_t width) {
  const at::Tensor few = at::matmul(random({groups, count, 8}, 1), random({groups, 8, width}, 2));
  return (few + random({groups, count, width}, 3)) * at::linspace(0.05, 2, width, at::TensorOptions(at::kFloat));
}

/// Σ (error · x)² for each output of `error`, [groups, outputs].
at::Tensor errors_on(const at::Tensor& rows, const at::Tensor& error) {
  const at::Tensor wide = error.to(at::kDouble).reshape({rows.size(0), -1, rows.size(2)});
  return at::bmm(wide, rows.to(at::kDouble).transpose(1, 2)).square().sum(-1);
}

at::Tensor rounded(const at::Tensor& weight, const at::Tensor& scales, QuantRange range, const at::Tensor& read,
                   int64_t iterations = 300, bool mean_is_corrected = false) {
  AdaRound rounding(weight, scales, range, read, {iterations, mean_is_corrected, {}});
  SampleWorkers(1, rounding.blocks()).run([&](int64_t index, int64_t) { rounding.round_block(index); });
  return rounding.result();
}

struct Setting {
  const char* name;
  const char* precision;
  int64_t groups;
  int64_t width;
  int64_t block_size;
  double most;  // of the error of the nearest codes
};

class Rounding : public ::testing::TestWithParam<Setting> {};

TEST_P(Rounding, IsBetterOnTheRowsThanTheNearestCodes) {
  const Setting& setting = GetParam();
  const at::Tensor weight = random({24, setting.width}, 4), read = rows(setting.groups, 400, setting.width);
  const QuantRange range = weight_range(setting.precision);
  TensorQuantConfig config;
  config.per_channel = true;
  const at::Tensor scales = exported_weight_scales(weight_scales(weight, {range, 0, setting.block_size}, config), {},
                                                   DType::kF16, SmallScale::kHalf);
  const at::Tensor nearest = fake_quantize(weight, scales, 0, range);
  const at::Tensor chosen = rounded(weight, scales, range, read);
  EXPECT_TRUE(at::equal(fake_quantize(chosen, scales, 0, range), chosen))
      << "the nearest codes of the weight are not those that were chosen";
  const at::Tensor each =
      setting.block_size > 0 ? scales.repeat_interleave(setting.block_size, 1) : scales.unsqueeze(1).expand_as(weight);
  EXPECT_LE(((chosen - nearest) / each).abs().max().item<double>(), 1 + 1e-4);
  const at::Tensor before = errors_on(read, nearest - weight), after = errors_on(read, chosen - weight);
  EXPECT_TRUE((after <= before * (1 + 1e-5)).all().item<bool>()) << "an output channel became worse";
  EXPECT_LT(after.sum().item<double>(), setting.most * before.sum().item<double>());
}

INSTANTIATE_TEST_SUITE_P(
    All, Rounding,
    ::testing::Values(Setting{"int4", "int4", 1, 96, 0, 0.4}, Setting{"int8", "int8", 1, 96, 0, 0.4},
                      Setting{"in_batches", "int4", 1, 600, 0, 0.5}, Setting{"groups", "int4", 4, 36, 0, 0.5},
                      Setting{"depthwise", "int4", 24, 9, 0, 0.9}, Setting{"blocks", "int4", 1, 128, 64, 0.4}),
    [](const auto& test) { return test.param.name; });

TEST(AdaRound, ClipsAsTheNearestCodesAre) {
  const at::Tensor weight = random({4, 20}, 4), scales = at::full({4}, 0.1), read = rows(1, 50, 20);
  const QuantRange range = weight_range("int4");
  const at::Tensor codes = rounded(weight, scales, range, read) / 0.1;
  EXPECT_EQ(codes.max().item<double>(), 7);
  EXPECT_EQ(codes.min().item<double>(), -7);
  const at::Tensor beyond = weight.abs() > 0.8;
  EXPECT_GT(beyond.sum().item<int64_t>(), 10);
  EXPECT_TRUE((codes.masked_select(beyond).abs() == 7).all().item<bool>());
}

TEST(AdaRound, TakesTheNearestCodesWhereRowsSayNothing) {
  const at::Tensor weight = random({4, 20}, 4), scales = at::full({}, 0.5);
  const QuantRange range = weight_range("int4");
  const at::Tensor chosen = rounded(weight, scales, range, at::zeros({1, 30, 20}));
  EXPECT_TRUE(at::equal(chosen, fake_quantize(weight, scales, 0, range)));
}

TEST(AdaRound, KeepsTheVarianceSmallWhereTheMeanIsCorrected) {
  const at::Tensor weight = random({24, 40}, 4), read = rows(1, 300, 40) + 2, scales = at::full({24}, 0.4);
  const QuantRange range = weight_range("int4");
  const auto variance_of = [&](const at::Tensor& chosen) {
    return errors_on(read - read.mean(1, true), chosen - weight).sum().item<double>();
  };
  const double with_mean = variance_of(rounded(weight, scales, range, read));
  EXPECT_LT(variance_of(rounded(weight, scales, range, read, 300, true)), 0.97 * with_mean);
}

TEST(AdaRound, StopsWhenItIsInterrupted) {
  AdaRound rounding(random({4, 20}, 4), at::full({}, 0.5), weight_range("int4"), rows(1, 30, 20),
                    {1'000'000, false, [] { return true; }});
  EXPECT_THROW(rounding.round_block(0), Error);
}

TEST(RowForm, RowsTimesWeightsAreWhatTheConvolutionGives) {
  const std::pair<const char*, std::vector<int64_t>> layers[] = {
      {"graph(%x: f32[2, 6, 9, 7]) {\n  %c = nn.Conv2d @c(%x) {in_channels=6, out_channels=4, kernel_size=[3, 2], "
       "stride=[2, 1], padding=[1, 0], dilation=[1, 2], groups=2}\n  return %c\n}\n",
       {2, 6, 9, 7}},
      {"graph(%x: f32[2, 6, 9]) {\n  %c = nn.Conv1d @c(%x) {in_channels=6, out_channels=6, kernel_size=[4], "
       "padding=[2], groups=6}\n  return %c\n}\n",
       {2, 6, 9}},
      {"graph(%x: f32[1, 4, 5, 6, 4]) {\n  %c = nn.Conv3d @c(%x) {in_channels=4, out_channels=3, "
       "kernel_size=[2, 3, 1], stride=[1, 2, 1]}\n  return %c\n}\n",
       {1, 4, 5, 6, 4}},
      {"graph(%x: f32[2, 3, 5]) {\n  %c = nn.Linear @c(%x) {in_features=5, out_features=4}\n  return %c\n}\n",
       {2, 3, 5}}};
  for (const auto& [text, shape] : layers) {
    const Network network = network_of(text);
    const ModuleTable& modules = network.module.modules();
    const RowForm form(modules[modules.find("c")]);
    const at::Tensor x = random(shape, 7), weight = network.tensors.at("c.weight");
    at::Tensor wanted = Executor(network.module).run(network.tensors, std::vector{x}).front();
    const bool is_linear = form.kernel.empty();
    if (!is_linear) wanted = wanted.movedim(1, -1);
    wanted = wanted.reshape({-1, wanted.size(-1)}) - network.tensors.at("c.bias");
    const at::Tensor all = form.rows_of(x, 3, 1000);
    ASSERT_EQ(all.size(1), wanted.size(0)) << text;
    const at::Tensor found = at::bmm(weight.reshape({form.groups, -1, form.inputs}), all.transpose(1, 2));
    EXPECT_LT(relative_difference(found.flatten(0, 1).t(), wanted), 1e-6) << text;
    EXPECT_EQ(form.rows_of(x, 5, 2).size(1), 2);
  }
}

TEST(RowForm, StaysWithinItsBounds) {
  const Network small =
      network_of("graph(%x: f32[2, 5]) {\n  %c = nn.Linear @c(%x) {in_features=5, out_features=4}\n  return %c\n}\n");
  const Network wide = network_of(
      "graph(%x: f32[2, 65536]) {\n  %c = nn.Linear @c(%x) {in_features=65536, out_features=1}\n  return %c\n}\n");
  const auto form_of = [](const Network& network) {
    const ModuleTable& modules = network.module.modules();
    return RowForm(modules[modules.find("c")]);
  };
  EXPECT_EQ(form_of(small).most_rows(), kMostRows);
  EXPECT_EQ(form_of(wide).most_rows(), kMostRowBytes / 65536 / 4);
}

constexpr const char* kLayers =
    "graph(%x: f32[1, 8, 9, 9]) {\n"
    "  %a = nn.Conv2d @a(%x) {in_channels=8, out_channels=12, kernel_size=[3, 3], padding=[1, 1], bias=none}\n"
    "  %b = nn.BatchNorm2d @b(%a) {num_features=12}\n  %r = nn.ReLU @r(%b)\n"
    "  %c = nn.Conv2d @c(%r) {in_channels=12, out_channels=12, kernel_size=[3, 3], groups=3}\n"
    "  %s = nn.ReLU @s(%c)\n  %m = aten.mean.dim(%s) {dim=[2, 3], keepdim=false}\n"
    "  %l = nn.Linear @l(%m) {in_features=12, out_features=16}\n  return %l\n}\n";

Network transformed() {
  Network network = network_of(kLayers);
  network.module = transform(network.module).model;
  return network;
}

/// Images of which neighbouring pixels and channels go together.
at::Tensor images(int64_t count) {
  const at::Tensor few = at::conv2d(random({count, 3, 9, 9}, 5), at::ones({3, 1, 5, 5}), {}, 1, 2, 1, 3);
  return at::conv2d(few, random({8, 3, 1, 1}, 6) / 5);
}

QuantizationResult quantized(const Network& network, const at::Tensor& samples, const std::string& weight,
                             int threads = 1) {
  QuantizeOptions options;
  options.float_type = DType::kF32;
  options.calibration.threads = threads;
  return quantize(network, MemorySamples(samples), parse_quant_config(cat(R"({"weight": )", weight, "}")), options);
}

double error_of(const Network& network, const Network& result, const at::Tensor& samples) {
  const at::Tensor wanted = Executor(network.module).run(network.tensors, std::vector{samples}).front();
  return relative_difference(Executor(result.module).run(result.tensors, std::vector{samples}).front(), wanted);
}

TEST(RoundByTraining, MakesANetworkOfInt4WeightsBetter) {
  const Network network = transformed();
  const at::Tensor samples = images(32);
  const QuantizationResult nearest = quantized(network, samples, R"({"precision": "int4"})");
  const QuantizationResult trained =
      quantized(network, samples, R"({"precision": "int4", "rounding": "adaround", "rounding_iterations": 300})");
  EXPECT_EQ(nearest.rounded_weights, 0);
  EXPECT_EQ(trained.rounded_weights, 3);
  EXPECT_LT(error_of(network, trained.network, images(1)), 0.7 * error_of(network, nearest.network, images(1)));
}

TEST(RoundByTraining, DoesNotDependOnThreadsNorOrder) {
  const Network network = transformed();
  const at::Tensor samples = images(6);
  const char* recipe = R"({"precision": "int4", "rounding": "adaround", "rounding_iterations": 20})";
  const QuantizationResult first = quantized(network, samples, recipe), many = quantized(network, samples, recipe, 3);
  const QuantizationResult backward = quantized(network, samples.flip(0), recipe, 2);
  ASSERT_EQ(first.network.tensors.size(), many.network.tensors.size());
  for (const auto& [name, tensor] : first.network.tensors) {
    EXPECT_TRUE(at::equal(tensor, many.network.tensors.at(name))) << name;
    EXPECT_TRUE(at::equal(tensor, backward.network.tensors.at(name))) << name;
  }
}

TEST(RoundByTraining, LeavesFp8AsItIs) {
  Network network = network_of(
      "graph(%x: f32[2, 16, 64]) {\n  %a = nn.Linear @a(%x) {in_features=64, out_features=64}\n  return %a\n}\n");
  network.module = transform(network.module).model;
  const QuantizationResult result = quantize(network, MemorySamples(random({4, 16, 64}, 8)),
                                             parse_quant_config(R"({"activation": {"precision": "fp8"},
                                      "weight": {"precision": "fp8", "rounding": "adaround"}})"),
                                             {});
  EXPECT_EQ(result.plan.quantized_weights(), 1U);
  EXPECT_EQ(result.rounded_weights, 0);
}

TEST(RoundByTraining, TellsWhichLayersAreDone) {
  QuantizeOptions options;
  std::vector<std::pair<int64_t, int64_t>> seen;
  options.rounding_progress = [&](int64_t done, int64_t total) { seen.emplace_back(done, total); };
  quantize(transformed(), MemorySamples(images(2)),
           parse_quant_config(R"({"weight": {"rounding": "adaround", "rounding_iterations": 2}})"), options);
  EXPECT_EQ(seen, (std::vector<std::pair<int64_t, int64_t>>{{1, 3}, {2, 3}, {3, 3}}));
}

}  // namespace
}  // namespace graftwork::core::testing
