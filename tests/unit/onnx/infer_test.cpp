#include "graftwork/onnx/infer.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "unit/onnx/sample.h"

namespace graftwork::core::onnx {
namespace {

using testing::sample_model;

std::string refusal(const Model& model) {
  try {
    infer_types(model);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "export.inference");
    return error.message();
  }
  return "";
}

TEST(OnnxInfer, GoesFromInputsToResults) {
  const Model model = sample_model();
  const ValueTypes types = infer_types(model);
  EXPECT_EQ(types.at("y").type, DType::kF32);
  EXPECT_EQ(types.at("y").dims, (Dims{"batch", int64_t{3}}));
}

TEST(OnnxInfer, NamesTheNodeAndTheTypesThatDoNotAgree) {
  Model model = sample_model();
  model.graph.initializers[1].type = DType::kF16;
  EXPECT_NE(refusal(model).find("operands of types f32 and f16"), std::string::npos) << refusal(model);
}

TEST(OnnxInfer, ListedTypesMustBeThoseOfTheRules) {
  Model model = sample_model();
  model.graph.outputs[0].dims = {"batch", int64_t{4}};
  EXPECT_NE(refusal(model).find("is f32[batch, 3] by ONNX's rules and f32[batch, 4] in the network"), std::string::npos)
      << refusal(model);
  model.graph.outputs[0].dims = {int64_t{3}};
  EXPECT_NE(refusal(model), "");
  model.graph.outputs[0].dims = {int64_t{5}, int64_t{3}};  // a number where the rules have a name
  EXPECT_EQ(refusal(model), "");
  model.graph.outputs[0].type = DType::kF16;
  EXPECT_NE(refusal(model), "");
}

TEST(OnnxInfer, WhatHasNoRuleIsAsItIsListed) {
  Model model = sample_model();
  model.graph.nodes.push_back({"Unheard", "new", {"y"}, {"z"}, {}, ""});
  model.graph.nodes.push_back({"Relu", "behind", {"z"}, {"r"}, {}, ""});
  EXPECT_FALSE(infer_types(model).contains("r"));
  model.graph.value_infos.push_back({"z", DType::kF16, {int64_t{7}}});
  const ValueTypes types = infer_types(model);
  EXPECT_EQ(types.at("r").type, DType::kF16);
  EXPECT_EQ(types.at("r").dims, (Dims{int64_t{7}}));
}

constexpr int64_t kLeast = INT64_MIN, kMost = INT64_MAX;

Tensor integers(std::string name, std::vector<int64_t> values) {
  const auto size = static_cast<int64_t>(values.size());
  return raw_tensor(std::move(name), DType::kI64, {size}, testing::keep_bytes(std::move(values)));
}

/// What is said of one node that reads "x", of these extents, and constants "c0", "c1", ...
std::string refusal_of(const std::string& op_type, Dims dims,
                       std::vector<std::pair<std::string, AttributeValue>> attributes,
                       const std::vector<std::vector<int64_t>>& constants = {}) {
  Model model;
  model.graph.inputs = {{"x", DType::kF32, std::move(dims)}};
  Node node{op_type, "node", {"x"}, {"y"}, std::move(attributes), ""};
  for (const std::vector<int64_t>& numbers : constants) {
    const std::string name = "c" + std::to_string(model.graph.initializers.size());
    model.graph.initializers.push_back(integers(name, numbers));
    node.inputs.push_back(name);
  }
  model.graph.nodes = {std::move(node)};
  return refusal(model);
}

TEST(OnnxInfer, NoSumOrProductLeaves64Bits) {
  using Numbers = std::vector<int64_t>;
  const Dims line{int64_t{1}, int64_t{1}, int64_t{8}}, long_line{int64_t{1}, int64_t{1}, kMost};
  const auto pool = [](int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
    return std::vector<std::pair<std::string, AttributeValue>>{{"kernel_shape", Numbers{kernel}},
                                                               {"strides", Numbers{stride}},
                                                               {"pads", Numbers{padding, padding}},
                                                               {"dilations", Numbers{dilation}},
                                                               {"ceil_mode", int64_t{1}}};
  };
  EXPECT_EQ(refusal_of("MaxPool", line, pool(2, 2, 0, 1)), "");
  for (const auto& windows : {pool(kMost, 1, 0, 1), pool(2, kMost, 0, 1), pool(2, 0, 0, 1), pool(2, 1, kMost, 1),
                              pool(2, 1, 0, kMost), pool(2, 1, kLeast, 1)})
    EXPECT_NE(refusal_of("MaxPool", line, windows), "");
  EXPECT_NE(refusal_of("MaxPool", long_line, pool(2, 2, 1, 1)), "");
  EXPECT_NE(refusal_of("Pad", line, {}, {{0, 0, kLeast, 0, 0, kLeast}}), "");
  EXPECT_NE(refusal_of("Pad", line, {}, {{0, 0, kMost, 0, 0, 0}}), "");
  EXPECT_NE(refusal_of("Tile", line, {}, {{1, 1, kMost}}), "");
  EXPECT_NE(refusal_of("Reshape", line, {}, {{kMost, kMost, -1}}), "");
  EXPECT_NE(refusal_of("Slice", line, {}, {{0}, {8}, {2}, {kLeast}}), "");
  EXPECT_EQ(refusal_of("Slice", line, {}, {{0}, {8}, {2}, {kMost}}), "");
  EXPECT_NE(refusal_of("DepthToSpace", {int64_t{1}, int64_t{4}, int64_t{2}, int64_t{2}}, {{"blocksize", kMost}}), "");
  EXPECT_NE(refusal_of("DepthToSpace", {int64_t{1}, int64_t{4}, int64_t{2}, int64_t{2}}, {{"blocksize", int64_t{0}}}),
            "");
}

}  // namespace
}  // namespace graftwork::core::onnx
