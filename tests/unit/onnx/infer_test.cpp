#include "graftwork/onnx/infer.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "unit/onnx/sample.h"

namespace graftwork::onnx {
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

}  // namespace
}  // namespace graftwork::onnx
