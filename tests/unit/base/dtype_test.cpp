#include "graftwork/base/dtype.h"

#include <gtest/gtest.h>

namespace graftwork::core {
namespace {

TEST(DType, HasOneName) {
  for (const DType dtype : {DType::kBool, DType::kU8, DType::kI8, DType::kI16, DType::kI32, DType::kI64, DType::kF8E4M3,
                            DType::kF16, DType::kBF16, DType::kF32, DType::kF64}) {
    EXPECT_EQ(parse_dtype(dtype_name(dtype)), dtype);
  }
  EXPECT_EQ(parse_dtype("f128"), std::nullopt);
  EXPECT_EQ(dtype_bytes(DType::kBF16), 2u);
  EXPECT_TRUE(is_floating(DType::kF8E4M3));
  EXPECT_FALSE(is_floating(DType::kI64));
}

}  // namespace
}  // namespace graftwork::core
