// Gradients of fake quantization: straight-through and clipped, and those of learned scales, against plain operators.
#include "graftwork/nn/fake_quant_gradient.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

struct Case {
  const char* name;
  std::vector<int64_t> shape;
  int64_t axis;     // of the scales; −1: one for all
  double elements;  // that share a scale, in a sample
  QuantRange range;
  bool channels_last = false;
};

std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

const std::vector<Case> kCases{
    {"activations", {4, 3, 5, 7}, -1, 105, {-128, 127}},
    {"activations_channels_last", {4, 3, 5, 7}, -1, 105, {-128, 127}, true},
    {"four_bits", {2, 11}, -1, 11, {-8, 7}},
    {"a_number", {}, -1, 1, {-8, 7}},
    {"several_blocks", {2, 50'000}, -1, 50'000, {-8, 7}},
    {"weight", {6, 3, 3, 3}, 0, 27, {-7, 7}},
    {"long_rows", {2, 40'000}, 0, 40'000, {-127, 127}},
    {"transposed_weight", {4, 6, 3, 3}, 1, 36, {-127, 127}},
};

struct Values {
  at::Tensor x, scale, weights;
};

at::Tensor random(const std::vector<int64_t>& shape, uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::TensorOptions(at::kFloat));
}

/// Some values lie outside of the range.
Values values_of(const Case& one) {
  at::Tensor x = random(one.shape, 1);
  if (one.channels_last) x = x.contiguous(at::MemoryFormat::ChannelsLast);
  const auto scales = one.axis < 0 ? at::ones({}) : at::rand({one.shape[static_cast<size_t>(one.axis)]}) + 0.5;
  return {x.clone().requires_grad_(), (scales * (1.5 / one.range.max)).requires_grad_(), random(one.shape, 3)};
}

at::Tensor along(const at::Tensor& scale, const Case& one) {
  if (one.axis < 0) return scale;
  std::vector<int64_t> shape(one.shape.size(), 1);
  shape[static_cast<size_t>(one.axis)] = -1;
  return scale.view(shape);
}

struct Gradients {
  at::Tensor x, scale;
};

Gradients gradients_of(const Case& one, const Values& values) {
  values.x.mutable_grad() = values.scale.mutable_grad() = at::Tensor();
  const at::Tensor result = fake_quantize(values.x, values.scale, std::max<int64_t>(one.axis, 0), one.range);
  (result * values.weights).sum().backward();
  return {values.x.grad(), values.scale.grad()};
}

class LearnedScale : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(All, LearnedScale, ::testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

/// Esser et al. 2020, equations 3 and 5: written down, not derived.
TEST_P(LearnedScale, HasTheGradientsOfThePaper) {
  const Case& one = GetParam();
  const Values values = values_of(one);
  const Gradients got = gradients_of(one, values);
  const at::NoGradGuard no_grad;
  const at::Tensor code = values.x.to(at::kDouble) / along(values.scale, one).to(at::kDouble);
  const at::Tensor inside = (code >= one.range.min).logical_and(code <= one.range.max).to(at::kDouble);
  const at::Tensor clipped = code.clamp(one.range.min, one.range.max);
  const at::Tensor slopes = (clipped.round() - clipped * inside) * values.weights.to(at::kDouble);
  std::vector<int64_t> others;
  for (int64_t i = 0; i < values.x.dim(); ++i) {
    if (i != one.axis) others.push_back(i);
  }
  const at::Tensor sum = one.axis < 0 ? slopes.sum() : slopes.sum(others);
  const at::Tensor expected = sum / std::sqrt(one.elements * one.range.max);
  EXPECT_LT(relative_difference(got.x, (inside * values.weights).to(at::kFloat)), 1e-6);
  EXPECT_LT(relative_difference(got.scale.to(at::kDouble), expected), 1e-4);
  if (one.elements > 1) {
    EXPECT_LT(inside.mean().item<double>(), 1) << "nothing was clipped";
  }
}

TEST_P(LearnedScale, LeavesTheValuesWhatTheyAre) {
  const Case& one = GetParam();
  const Values values = values_of(one);
  const int64_t axis = std::max<int64_t>(one.axis, 0);
  const at::Tensor recorded = fake_quantize(values.x, values.scale, axis, one.range);
  const at::Tensor plain = fake_quantize(values.x.detach(), values.scale.detach(), axis, one.range);
  EXPECT_TRUE(recorded.requires_grad());
  EXPECT_TRUE(at::equal(recorded.detach(), plain));
}

TEST_P(LearnedScale, IsTheSameForAnyNumberOfThreads) {
  const Case& one = GetParam();
  const Values values = values_of(one);
  at::set_num_threads(1);
  const Gradients alone = gradients_of(one, values);
  at::set_num_threads(2);
  const Gradients together = gradients_of(one, values);
  EXPECT_TRUE(at::equal(alone.x, together.x));
  EXPECT_TRUE(at::equal(alone.scale, together.scale));
}

TEST(FakeQuantGradient, IsNotAskedForWhereAScaleIsFixed) {
  const Values values = values_of(kCases[0]);
  const at::Tensor result = fake_quantize(values.x, values.scale.detach(), 0, {-128, 127});
  (result * values.weights).sum().backward();
  EXPECT_TRUE(at::equal(values.x.grad(), gradients_of(kCases[0], values).x));
}

TEST(FakeQuantGradient, ReachesAScaleOfDataThatHasNone) {
  const Values values = values_of(kCases[0]);
  const at::Tensor expected = gradients_of(kCases[0], values).scale;
  values.scale.mutable_grad() = at::Tensor();
  (fake_quantize(values.x.detach(), values.scale, 0, {-128, 127}) * values.weights).sum().backward();
  EXPECT_TRUE(at::equal(values.scale.grad(), expected));
}

TEST(FakeQuantGradient, TakesGradientsInAnotherLayout) {
  const Values values = values_of(kCases[0]);
  const Gradients expected = gradients_of(kCases[0], values);
  values.x.mutable_grad() = values.scale.mutable_grad() = at::Tensor();
  const at::Tensor result = fake_quantize(values.x, values.scale, 0, {-128, 127});
  result.backward(values.weights.contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(values.x.grad(), expected.x));
  EXPECT_TRUE(at::equal(values.scale.grad(), expected.scale));
}

TEST(FakeQuantGradient, ShowsWhatIsNotANumber) {
  const at::Tensor x = at::tensor({1.0F, NAN}).requires_grad_(), scale = at::scalar_tensor(0.5F).requires_grad_();
  fake_quantize(x, scale, 0, {-8, 7}).sum().backward();
  EXPECT_TRUE(std::isnan(scale.grad().item<float>()));
}

TEST(FakeQuantGradient, HasNoDerivativeOfItsOwn) {
  const Values values = values_of(kCases[0]);
  const at::Tensor result = fake_quantize(values.x, values.scale, 0, {-128, 127}).square().sum();
  try {
    result.backward({}, true, true);
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "nn.second_derivative");
  }
}

}  // namespace
}  // namespace graftwork::core::testing
