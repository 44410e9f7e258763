#include "graftwork/onnx/model.h"

#include <gtest/gtest.h>

#include <cstring>

#include "graftwork/base/error.h"

namespace graftwork::core::onnx {
namespace {

TEST(OnnxModel, ByteCountIsThatOfAllElements) {
  EXPECT_EQ(byte_count(DType::kF32, std::vector<int64_t>{2, 3}), 24U);
  EXPECT_EQ(byte_count(DType::kF16, std::vector<int64_t>{5}), 10U);
  EXPECT_EQ(byte_count(DType::kF64, {}), 8U);
  EXPECT_EQ(byte_count(DType::kI64, std::vector<int64_t>{4, 0}), 0U);
}

TEST(OnnxModel, ByteCountRefusesNegativeAndOverflowingShapes) {
  EXPECT_EQ(byte_count(DType::kI8, std::vector<int64_t>{3, -1}), std::nullopt);
  EXPECT_EQ(byte_count(DType::kI8, std::vector<int64_t>{0, -1}), std::nullopt);
  EXPECT_EQ(byte_count(DType::kF32, std::vector<int64_t>{int64_t{1} << 62, 4}), std::nullopt);
  EXPECT_EQ(byte_count(DType::kI8, std::vector<int64_t>{int64_t{1} << 62, int64_t{1} << 62, 0}), 0U);
}

TEST(OnnxModel, ElementTypesHaveTheNumbersOfTheFormat) {
  // TensorProto.DataType of onnx.proto.
  const std::vector<std::pair<DType, int32_t>> expected = {{DType::kF32, 1},   {DType::kU8, 2},     {DType::kI8, 3},
                                                           {DType::kI16, 5},   {DType::kI32, 6},    {DType::kI64, 7},
                                                           {DType::kBool, 9},  {DType::kF16, 10},   {DType::kF64, 11},
                                                           {DType::kBF16, 16}, {DType::kF8E4M3, 17}};
  for (const auto& [type, number] : expected) EXPECT_EQ(data_type(type), number) << dtype_name(type);
}

TEST(OnnxModel, BytesOutliveTheirTensor) {
  Bytes bytes;
  {
    const auto numbers = std::make_shared<const std::vector<float>>(std::vector<float>{1.5F, 2.5F});
    const Tensor tensor = raw_tensor("w", DType::kF32, {2}, {numbers, std::as_bytes(std::span(*numbers))});
    bytes = tensor.bytes;
  }
  float second = 0;
  std::memcpy(&second, bytes.view.data() + 4, sizeof second);
  EXPECT_EQ(second, 2.5F);
}

TEST(OnnxModel, IrVersionIsTheLeastThatTheOpsetAsksFor) {
  // The table of onnx.helper.VERSION_TABLE.
  const std::vector<std::pair<int64_t, int64_t>> expected = {
      {1, 3},  {8, 3},  {9, 4},  {10, 5},  {11, 6},  {12, 7},  {13, 7},  {14, 7},  {15, 8},  {16, 8},  {17, 8},
      {18, 8}, {19, 9}, {20, 9}, {21, 10}, {22, 10}, {23, 11}, {24, 12}, {25, 13}, {26, 13}, {27, 13}, {28, 14}};
  for (const auto& [opset, ir_version] : expected) EXPECT_EQ(ir_version_for_opset(opset), ir_version) << opset;
  EXPECT_THROW(ir_version_for_opset(0), InternalError);
  EXPECT_THROW(ir_version_for_opset(kNewestOpset + 1), InternalError);
}

}  // namespace
}  // namespace graftwork::core::onnx
