#include "graftwork/onnx/check.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "unit/onnx/sample.h"

namespace graftwork::core::onnx {
namespace {

using testing::float_tensor;
using testing::sample_model;

/// What the check says about a model that `spoil` has changed; "" where it accepts it.
template <class Spoil>
std::string complaint(Spoil spoil) {
  Model model = sample_model();
  spoil(model);
  try {
    check_model(model);
  } catch (const InternalError& error) {
    return error.what();
  }
  return {};
}

void expect_names(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
}

TEST(OnnxCheck, AcceptsTheSample) {
  EXPECT_EQ(complaint([](Model&) {}), "");
}

TEST(OnnxCheck, AcceptsOptionalInputsOutputsAndUnnamedNodes) {
  EXPECT_EQ(complaint([](Model& m) {
              m.graph.nodes.push_back({"Dropout", "", {"y", "", ""}, {"z", ""}, {}, ""});
              m.graph.nodes.push_back({"Relu", "", {"z"}, {"t"}, {}, ""});
            }),
            "");
}

TEST(OnnxCheck, NamesAnInputThatNothingDefines) {
  expect_names(complaint([](Model& m) { m.graph.nodes[1].inputs[0] = "nowhere"; }),
               {"\"act\"", "Relu", "number 1", "\"nowhere\"", "nothing before it defines"});
}

TEST(OnnxCheck, RefusesNodesOutOfOrder) {
  expect_names(complaint([](Model& m) { std::swap(m.graph.nodes[0], m.graph.nodes[1]); }),
               {"\"act\"", "number 0", "\"h\""});
}

TEST(OnnxCheck, RefusesANodeThatReadsItself) {
  expect_names(complaint([](Model& m) { m.graph.nodes[0].inputs[0] = "h"; }), {"\"linear\"", "\"h\""});
}

TEST(OnnxCheck, NamesAValueDefinedTwice) {
  expect_names(complaint([](Model& m) { m.graph.nodes[1].outputs[0] = "h"; }), {"\"act\"", "\"h\"", "already defined"});
  expect_names(complaint([](Model& m) { m.graph.initializers[1].name = "x"; }), {"initializer \"x\"", "already"});
  expect_names(complaint([](Model& m) { m.graph.nodes[1].outputs[0] = "w"; }), {"\"act\"", "\"w\"", "already"});
}

TEST(OnnxCheck, NamesANodeNameUsedTwice) {
  expect_names(complaint([](Model& m) { m.graph.nodes[1].name = "linear"; }),
               {"\"linear\"", "number 1", "name of an earlier node"});
}

TEST(OnnxCheck, NamesAGraphOutputThatDoesNotExist) {
  expect_names(complaint([](Model& m) { m.graph.outputs[0].name = "z"; }), {"graph output \"z\"", "does not exist"});
}

TEST(OnnxCheck, NamesAGraphOutputListedTwice) {
  expect_names(complaint([](Model& m) { m.graph.outputs.push_back(m.graph.outputs[0]); }), {"\"y\"", "listed twice"});
}

TEST(OnnxCheck, NamesAValueInfoOfNothing) {
  expect_names(complaint([](Model& m) { m.graph.value_infos[0].name = "z"; }), {"value info \"z\"", "does not exist"});
}

TEST(OnnxCheck, NamesANegativeSize) {
  expect_names(complaint([](Model& m) { m.graph.outputs[0].dims[1] = int64_t{-1}; }), {"\"y\"", "size -1"});
  expect_names(complaint([](Model& m) { m.graph.inputs[0].dims[1] = int64_t{-3}; }), {"graph input \"x\"", "size -3"});
}

TEST(OnnxCheck, NamesATensorWhoseBytesDoNotFit) {
  expect_names(complaint([](Model& m) { m.graph.initializers[0].dims = {2, 4}; }),
               {"initializer \"w\"", "24 bytes", "asks for 32"});
  expect_names(complaint([](Model& m) { m.graph.initializers[0].dims = {2, -3}; }), {"initializer \"w\"", "negative"});
}

TEST(OnnxCheck, LooksIntoTensorAttributes) {
  expect_names(complaint([](Model& m) {
                 Tensor tensor = float_tensor("", {1, 2});
                 tensor.dims = {3};
                 m.graph.nodes.push_back({"Constant", "c", {}, {"k"}, {{"value", tensor}}, ""});
               }),
               {"attribute \"value\"", "\"c\"", "8 bytes", "12"});
}

TEST(OnnxCheck, NamesAnAttributeGivenTwice) {
  expect_names(complaint([](Model& m) { m.graph.nodes[0].attributes.emplace_back("alpha", 2.0); }),
               {"\"linear\"", "two attributes \"alpha\""});
}

TEST(OnnxCheck, WantsTheVersionOfEveryDomain) {
  expect_names(complaint([](Model& m) { m.graph.nodes[1].domain = "com.example"; }), {"\"act\"", "\"com.example\""});
  EXPECT_EQ(complaint([](Model& m) {
              m.graph.nodes[1].domain = "com.example";
              m.other_opsets = {{"com.example", 1}};
            }),
            "");
}

TEST(OnnxCheck, RefusesVersionsThatDoNotGoTogether) {
  expect_names(complaint([](Model& m) { m.ir_version = 9; }), {"IR version 9", "opset 21", "10"});
  expect_names(complaint([](Model& m) { m.opset = 99; }), {"opset 99"});
  EXPECT_EQ(complaint([](Model& m) { m.ir_version = 11; }), "");
}

TEST(OnnxCheck, WantsTheNamesThatOnnxWants) {
  expect_names(complaint([](Model& m) { m.graph.name.clear(); }), {"graph has no name"});
  expect_names(complaint([](Model& m) { m.graph.nodes[0].op_type.clear(); }), {"\"linear\"", "no operator"});
  expect_names(complaint([](Model& m) { m.graph.initializers[0].name.clear(); }), {"initializer", "no name"});
  expect_names(complaint([](Model& m) { m.graph.nodes[0].attributes[0].first.clear(); }),
               {"\"linear\"", "without a name"});
}

}  // namespace
}  // namespace graftwork::core::onnx
