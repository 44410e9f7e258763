// What writing a file takes, said before it is written.
#include "graftwork/export/export_memory.h"

#include <gtest/gtest.h>

#include <limits>

#include "graftwork/base/error.h"
#include "support/networks.h"
#include "unit/export/onnx_view.h"

namespace graftwork::core::testing {
namespace {

/// A layer of 4 * out * in bytes, and 4 * out of its bias.
GraphModule linear(int64_t in, int64_t out) {
  return parse_network(cat("graph(%x: f32[2, ", in, "]) {\n  %y = nn.Linear @fc(%x) {in_features=", in,
                           ", out_features=", out, "}\n  return %y\n}\n"));
}

TEST(ExportMemory, IsTheModelAndThriceTheLargestWeight) {
  const GraphModule module = linear(100, 200);
  const int64_t weight = 4 * 100 * 200, all = weight + 4 * 200;
  EXPECT_EQ(export_memory(module, options_of(DType::kF32)), all / 4 + 3 * weight) << "codes are a quarter";
  EXPECT_EQ(export_memory(module, options_of(DType::kF32, WeightForm::kFloat)), all / 2 + 3 * weight);
  EXPECT_EQ(export_memory(parse_network("graph(%x: f32[2]) {\n  return %x\n}\n"), {}), 0);
}

TEST(ExportMemory, GrowsToTheLargestNumberAndNoFurther) {
  const int64_t most = std::numeric_limits<int32_t>::max();
  EXPECT_GT(export_memory(linear(most, most), {}), int64_t{1} << 62);
}

TEST(ExportMemory, IsRefusedBeyondTheLimit) {
  const GraphModule module = linear(100, 200);
  const int64_t needed = export_memory(module, {});
  EXPECT_NO_THROW(check_export_memory(module, {}, needed));
  EXPECT_NO_THROW(check_export_memory(module, {})) << "the machine has that much";
  try {
    check_export_memory(module, {}, needed - 1);
    FAIL() << "it was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "memory.limit");
    EXPECT_NE(error.message().find("writing the file takes about"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace graftwork::core::testing
