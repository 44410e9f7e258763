// What layers take beside their results.
#include "graftwork/ir/scratch_memory.h"

#include <gtest/gtest.h>

#include <limits>

namespace graftwork::core {
namespace {

TensorType f32(std::initializer_list<int64_t> extents) {
  TensorType type{DType::kF32, {}};
  for (const int64_t extent : extents) type.dims.emplace_back(extent);
  return type;
}

int64_t scratch(const char* op, std::vector<Type> operands, const Type& result, const AttrMap& attrs = {}) {
  return scratch_bytes(Symbol(op), operands, result, [&](Symbol name) { return attrs.find(name); });
}

TEST(ScratchMemory, OfAConvolutionIsItsOwnLayout) {
  const TensorType x = f32({2, 3, 10, 10}), y = f32({2, 8, 10, 10}), narrow = f32({2, 1, 10, 10});
  EXPECT_EQ(scratch("nn.Conv2d", {x}, y), 4 * 1600);
  EXPECT_EQ(scratch("nn.Conv2d", {x}, narrow), 4 * 600) << "one copy is gone before there is the other";
  EXPECT_EQ(scratch("nn.ConvTranspose2d", {x}, y), 2 * 4 * 1600);
  EXPECT_EQ(scratch("aten.convolution.default", {x, f32({3, 8, 1, 1})}, y, {{"transposed", true}}), 2 * 4 * 1600);
  EXPECT_EQ(scratch("aten.conv2d.default", {x, f32({8, 3, 1, 1})}, y), 4 * 1600);
}

TEST(ScratchMemory, OfAConvolutionWithoutAKernelIsAllThatItMultiplies) {
  TensorType x = f32({2, 3, 10, 10}), y = f32({2, 8, 10, 10});
  x.dtype = y.dtype = DType::kF64;
  const AttrMap kernel{{"kernel_size", std::vector<int64_t>{3, 3}}};
  EXPECT_EQ(scratch("nn.Conv2d", {x}, y, kernel), 8 * (1600 + 2 * 3 * 9 * 100));
  EXPECT_EQ(scratch("nn.ConvTranspose2d", {x}, y, kernel), 8 * (2 * 1600 + 2 * 8 * 9 * 100));
}

TEST(ScratchMemory, OfARecurrenceIsItsGates) {
  const TensorType x = f32({4, 10, 3});
  const Type y = Type::tuple({f32({4, 10, 5}), f32({1, 4, 5})});
  const AttrMap two{{"num_layers", int64_t{2}}};
  EXPECT_EQ(scratch("aten.lstm.input", {x}, y), 4 * (120 + 200));
  EXPECT_EQ(scratch("aten.lstm.input", {x}, y, two), 4 * (120 + 2 * 200));
  EXPECT_EQ(scratch("aten.gru.input", {x}, y), 4 * (120 + 4 * 200));
  EXPECT_EQ(scratch("aten.gru.input", {x}, y, two), 4 * (120 + 5 * 200));
  EXPECT_EQ(scratch("aten.rnn_tanh.input", {x}, y), 4 * (120 + 2 * 200));
}

TEST(ScratchMemory, OfAProductIsWhatIsSpread) {
  const TensorType y = f32({8, 16, 5, 5});
  EXPECT_EQ(scratch("aten.matmul.default", {f32({8, 1, 5, 5}), f32({1, 16, 5, 5})}, y), 2 * 4 * 8 * 16 * 25);
  EXPECT_EQ(scratch("aten.matmul.default", {y, f32({16, 5, 5})}, y), 4 * 8 * 16 * 25);
  EXPECT_EQ(scratch("aten.matmul.default", {y, f32({5, 5})}, y), 0);
  EXPECT_EQ(scratch("aten.matmul.default", {y, f32({1, 1, 5, 5})}, y), 0) << "a view does";
}

TEST(ScratchMemory, OfAttentionIsTheMaskOrTheScores) {
  const char* op = "aten.scaled_dot_product_attention.default";
  const TensorType heads = f32({2, 3, 10, 4}), flat = f32({6, 10, 4});
  TensorType mask = f32({10, 10});
  EXPECT_EQ(scratch(op, {heads, heads, heads, mask}, heads), 0);
  mask.dtype = DType::kBool;
  EXPECT_EQ(scratch(op, {heads, heads, heads, mask}, heads), 4 * 100);
  EXPECT_EQ(scratch(op, {flat, flat, flat}, flat), 2 * 4 * 6 * 100);
}

TEST(ScratchMemory, OfOthersIsNone) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(scratch("aten.relu.default", {f32({9})}, f32({9})), 0);
  EXPECT_EQ(scratch("QuantStub", {f32({9})}, f32({9})), 0);
  EXPECT_EQ(scratch("aten.gru.input", {f32({most, most})}, f32({most, most})), most);
  EXPECT_EQ(scratch("aten.gru.input", {}, {}), 0);
}

}  // namespace
}  // namespace graftwork::core
