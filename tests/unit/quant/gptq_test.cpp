// GPTQ: moments of what a layer reads, and the codes that they choose.
#include "graftwork/quant/gptq/gptq.h"

#include <gtest/gtest.h>

#include <thread>

#include "graftwork/base/error.h"
#include "graftwork/quant/gptq/second_moments.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

at::Tensor random(std::vector<int64_t> shape, uint64_t seed) {
  TensorType type{DType::kF32, {}};
  for (const int64_t extent : shape) type.dims.emplace_back(extent);
  return random_tensor(type, seed);
}

/// Rows whose channels go together and differ in size.
at::Tensor inputs(int64_t rows, int64_t channels) {
  const at::Tensor mixed = at::mm(random({rows, channels}, 1), random({channels, channels}, 2)) / 8;
  return mixed * at::linspace(0.05, 2, channels, at::TensorOptions(at::kFloat));
}

at::Tensor moments_of(const at::Tensor& rows) {
  SecondMoments moments(rows.size(1));
  moments.add(rows);
  return moments.value();
}

TEST(SecondMoments, AreTheSumsOfProducts) {
  const at::Tensor x = inputs(40, 12);
  const at::Tensor wide = x.to(at::kDouble);
  EXPECT_LE(relative_difference(moments_of(x), at::mm(wide.t(), wide)), 1e-6);
  EXPECT_EQ(SecondMoments::bytes(12), 12 * 13 / 2 * 16);
}

TEST(SecondMoments, DoNotDependOnOrderNorThreads) {
  const at::Tensor x = inputs(64, 12).view({16, 4, 12});
  SecondMoments forward(12), backward(12), together(12);
  for (int64_t i = 0; i < 16; ++i) forward.add(x[i]);
  for (int64_t i = 15; i >= 0; --i) backward.add(x[i]);
  {
    std::vector<std::jthread> threads;
    for (int64_t worker = 0; worker < 4; ++worker) {
      threads.emplace_back([&, worker] {
        for (int64_t i = worker; i < 16; i += 4) together.add(x[i]);
      });
    }
  }
  EXPECT_TRUE(at::equal(forward.value(), backward.value()));
  EXPECT_TRUE(at::equal(forward.value(), together.value()));
  EXPECT_EQ(together.rows(), 64);
}

struct Setting {
  const char* name;
  const char* precision;
  int64_t block_size;
  CalibrationMethod method;
};

class Gptq : public ::testing::TestWithParam<Setting> {};

TEST_P(Gptq, GivesCodesThatServeTheInputsBetter) {
  const Setting& setting = GetParam();
  const at::Tensor weight = random({24, 256}, 3), moments = moments_of(inputs(500, 256));
  const WeightGrid grid{weight_range(setting.precision), 0, setting.block_size};
  TensorQuantConfig config;
  config.per_channel = true;
  config.calibration_method = setting.method;
  const GptqResult result = gptq(weight, moments, grid, config, DType::kF16, SmallScale::kHalf);
  EXPECT_TRUE(at::equal(result.scales.to(at::kHalf).to(at::kFloat), result.scales));
  EXPECT_EQ(result.scales.dim(), setting.block_size > 0 ? 2 : 1);
  EXPECT_TRUE(at::equal(fake_quantize(result.weight, result.scales, 0, grid.range), result.weight))
      << "the nearest codes of the weight are not those that were chosen";
  const at::Tensor scales =
      exported_weight_scales(weight_scales(weight, grid, config), {}, DType::kF16, SmallScale::kHalf);
  const double nearest = output_error(fake_quantize(weight, scales, 0, grid.range) - weight, moments);
  EXPECT_LT(output_error(result.weight - weight, moments), 0.75 * nearest);
}

INSTANTIATE_TEST_SUITE_P(All, Gptq,
                         ::testing::Values(Setting{"int4_64", "int4", 64, CalibrationMethod::kMinMax},
                                           Setting{"int4_128", "int4", 128, CalibrationMethod::kMse},
                                           Setting{"int8", "int8", 0, CalibrationMethod::kMinMax},
                                           Setting{"int4_channels", "int4", 0, CalibrationMethod::kMse},
                                           Setting{"fp8", "fp8", 0, CalibrationMethod::kMinMax}),
                         [](const auto& test) { return test.param.name; });

TEST(GptqOfFewInputs, IsNoWorseThanTheNearest) {
  const at::Tensor weight = random({8, 64}, 5);
  const WeightGrid grid{weight_range("int4"), 0, 64};
  TensorQuantConfig config;
  config.per_channel = true;
  at::Tensor dead = inputs(3, 64);
  dead.slice(1, 10, 40).zero_();
  for (const at::Tensor& x : {inputs(1, 64), dead, at::zeros({4, 64})}) {
    const at::Tensor moments = moments_of(x);
    const GptqResult result = gptq(weight, moments, grid, config, DType::kF32, SmallScale::kWide);
    const at::Tensor scales = exported_weight_scales(weight_scales(weight, grid, config), {}, DType::kF32);
    const double nearest = output_error(fake_quantize(weight, scales, 0, grid.range) - weight, moments);
    EXPECT_LE(output_error(result.weight - weight, moments), nearest);
    EXPECT_TRUE(at::isfinite(result.weight).all().item<bool>());
  }
}

}  // namespace
}  // namespace graftwork::core::testing
