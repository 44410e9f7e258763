// Which module a call stands in, by the names of the tensors around it.
#include "graftwork/import/recorded/module_paths.h"

#include <gtest/gtest.h>

namespace graftwork::core::recorded {
namespace {

using captured::Call;
using captured::Input;
using captured::tensor;

Input stored(const std::string& value, const std::string& path) {
  return {.kind = Input::Kind::kStored, .arg = tensor(value), .name = path, .stored = path, .trainable = true};
}

Call call(Symbol op, std::vector<std::string> read, const std::string& result) {
  Call made{.op = op, .inputs = {}, .outputs = {tensor(result)}, .name = result, .provenance = {}};
  for (std::string& name : read) made.inputs.push_back({"self", tensor(std::move(name))});
  return made;
}

/// "layer1.conv body", by the name of the call.
std::map<std::string, std::string> places(std::vector<Call> calls) {
  captured::Program program{
      .inputs = {{.kind = Input::Kind::kUser, .arg = tensor("x"), .name = "x", .stored = {}, .trainable = false},
                 stored("a", "layer1.a.weight"),
                 stored("b", "layer1.b.weight"),
                 stored("c", "layer2.c.weight"),
                 stored("bias", "layer1.a.bias"),
                 stored("scale", "layer1.scale"),
                 stored("k", "linear_weight")},
      .calls = std::move(calls),
      .tensors = {},
      .outputs = {{.kind = captured::Output::Kind::kResult, .arg = {}, .name = "output"}}};
  program.outputs[0].arg = program.calls.back().outputs[0];
  assign_modules(program, {"k"});
  std::map<std::string, std::string> found;
  for (const Call& made : program.calls)
    found[made.name] = made.provenance.module.str() + (made.provenance.is_body ? " body" : "");
  return found;
}

using Places = std::map<std::string, std::string>;

TEST(ModulePaths, LayersAreTheBodiesOfTheirModules) {
  EXPECT_EQ(places({call("aten.conv2d.default", {"x", "a", "bias"}, "y")}), (Places{{"y", "layer1.a body"}}));
}

TEST(ModulePaths, WhatReadsAParameterOtherwiseStandsInItsModule) {
  EXPECT_EQ(places({call("aten.mul.Tensor", {"x", "scale"}, "y")}), (Places{{"y", "layer1"}}));
}

TEST(ModulePaths, LinearIsOneLayerHoweverItIsSpelled) {
  EXPECT_EQ(places({call("aten.t.default", {"a"}, "t"), call("aten.matmul.default", {"x", "t"}, "product"),
                    call("aten.add_.Tensor", {"product", "bias"}, "y")}),
            (Places{{"t", "layer1.a body"}, {"product", "layer1.a body"}, {"y", "layer1.a body"}}));
}

TEST(ModulePaths, OthersStandInTheModuleThatIsOnBothSides) {
  EXPECT_EQ(
      places({call("aten.conv2d.default", {"x", "a"}, "first"), call("aten.relu.default", {"first"}, "inside"),
              call("aten.conv2d.default", {"inside", "b"}, "second"), call("aten.relu.default", {"second"}, "between"),
              call("aten.conv2d.default", {"between", "c"}, "third"), call("aten.relu.default", {"third"}, "end")}),
      (Places{{"first", "layer1.a body"},
              {"inside", "layer1"},
              {"second", "layer1.b body"},
              {"between", ""},
              {"third", "layer2.c body"},
              {"end", ""}}));
}

TEST(ModulePaths, ConstantsAreNoModules) {
  EXPECT_EQ(places({call("aten.linear.default", {"x", "k"}, "y")}), (Places{{"y", ""}}));
}

TEST(ModulePaths, WhatIsKnownStays) {
  Call known = call("aten.relu.default", {"x"}, "y");
  known.provenance = {.module = "stem.act", .is_body = true, .source = {}};
  EXPECT_EQ(places({known}), (Places{{"y", "stem.act body"}}));
}

}  // namespace
}  // namespace graftwork::core::recorded
