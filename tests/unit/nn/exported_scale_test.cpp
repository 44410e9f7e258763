// Scales as FP16 holds them.
#include "graftwork/nn/exported_scale.h"

#include <gtest/gtest.h>

namespace graftwork::core::testing {
namespace {

constexpr float kSmallestNormalHalf = 6.103515625e-05F;

at::Tensor floats(std::initializer_list<float> values) { return at::tensor(at::ArrayRef<float>(values)); }

float half_of(float value) { return static_cast<float>(c10::Half(value)); }

TEST(ExportedScale, StaysFp32WhereFp16WouldLoseBits) {
  EXPECT_EQ(exported_scale(0.1F, DType::kF32), 0.1F);
  EXPECT_EQ(exported_scale(0.1F, DType::kF16), half_of(0.1F));
  EXPECT_NE(half_of(0.1F), 0.1F);
  EXPECT_EQ(exported_scale(kSmallestNormalHalf, DType::kF16), kSmallestNormalHalf);
  const float subnormal = kSmallestNormalHalf * 0.7F;
  EXPECT_EQ(exported_scale(subnormal, DType::kF16), subnormal);
  EXPECT_EQ(exported_scale(1e-9F, DType::kF16), 1e-9F);  // FP16 would make it 0
  EXPECT_EQ(exported_scale(1e5F, DType::kF16), 1e5F);    // and this infinity
  EXPECT_EQ(exported_scale(subnormal, DType::kF16, SmallScale::kHalf), half_of(subnormal));
  EXPECT_GT(exported_scale(1e-9F, DType::kF16, SmallScale::kHalf), 0);
  EXPECT_TRUE(at::equal(exported_scales(floats({0.1F, subnormal}), DType::kF16), floats({half_of(0.1F), subnormal})));
}

}  // namespace
}  // namespace graftwork::core::testing
