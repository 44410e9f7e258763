// Fake quantization: the codes of each precision, scales of blocks, zero points.
#include "graftwork/nn/fake_quant.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

at::Tensor floats(std::initializer_list<float> values) { return at::tensor(at::ArrayRef<float>(values)); }
const at::Tensor kOne = at::ones({});

TEST(QuantRange, IsThatOfThePrecision) {
  const auto ends = [](QuantRange range) { return std::pair(range.min, range.max); };
  EXPECT_EQ(ends(activation_range("int4")), std::pair(-8.0, 7.0));
  EXPECT_EQ(ends(weight_range("int4")), std::pair(-7.0, 7.0));
  EXPECT_EQ(ends(activation_range("int16")), std::pair(-32768.0, 32767.0));
  EXPECT_EQ(ends(weight_range("int16")), std::pair(-32767.0, 32767.0));
  EXPECT_EQ(ends(activation_range("fp8")), std::pair(-448.0, 448.0));
  EXPECT_TRUE(weight_range("fp8").is_e4m3);
  EXPECT_FALSE(weight_range("int8").is_e4m3);
  for (const char* none : {"int7", "", "fp4"}) EXPECT_THROW(activation_range(none), Error) << none;
}

TEST(FakeQuantize, RoundsToNumbersOfE4m3) {
  // 3 bits behind the point; steps of 2⁻⁹ below 2⁻⁶; 448 is the largest.
  const at::Tensor x = floats({1.0F, 1.0625F, 1.0626F, -17.0F, -15.4F, 0.001F, 0.0009F, 447, 460, 1e9F, -1e9F});
  const at::Tensor expected = floats({1.0F, 1.0F, 1.125F, -16.0F, -15.0F, 0.001953125F, 0, 448, 448, 448, -448});
  EXPECT_TRUE(at::equal(quantize_codes(x, kOne, 0, activation_range("fp8")), expected));
  const at::Tensor scale = at::scalar_tensor(0.37F);
  EXPECT_TRUE(at::equal(fake_quantize(x * scale, scale, 0, activation_range("fp8")),
                        quantize_codes(x * scale, scale, 0, activation_range("fp8")) * scale));
  EXPECT_TRUE(fake_quantize(floats({NAN}), kOne, 0, activation_range("fp8")).isnan().item<bool>());
}

TEST(FakeQuantize, PassesGradientsInsideTheRangeOfE4m3) {
  const at::Tensor x = floats({1.06F, -500, 447}).requires_grad_();
  fake_quantize(x, kOne, 0, activation_range("fp8")).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), floats({1, 0, 1})));
}

TEST(FakeQuantize, TakesAScaleForEachBlock) {
  const at::Tensor weight = random_tensor({DType::kF32, {Dim(3), Dim(8)}}, 4);
  const at::Tensor scales = floats({0.1F, 0.2F, 0.3F, 0.05F, 0.7F, 1}).view({3, 2});
  const QuantRange range = weight_range("int4");
  const at::Tensor spread = scales.repeat_interleave(4, 1);
  const at::Tensor codes = (weight / spread).round().clamp(-7, 7);
  EXPECT_TRUE(is_of_blocks(scales));
  EXPECT_TRUE(at::equal(quantize_codes(weight, scales, 0, range), codes));
  EXPECT_TRUE(at::equal(fake_quantize(weight, scales, 0, range), codes * spread));
  const at::Tensor turned = weight.t().contiguous().t();
  EXPECT_TRUE(at::equal(fake_quantize(turned, scales, 0, range), codes * spread)) << "another layout";
  const at::Tensor trained = weight.detach().clone().requires_grad_();
  fake_quantize(trained, scales, 0, range).sum().backward();
  EXPECT_TRUE(at::equal(trained.grad(), (weight.abs() <= 7 * spread).to(at::kFloat)));
}

}  // namespace
}  // namespace graftwork::core::testing
