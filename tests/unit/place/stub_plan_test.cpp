// Where stubs go in small networks, and what a recipe may say.
#include "graftwork/place/stub_plan.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "graftwork/base/error.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/skip_list.h"

namespace graftwork {
namespace {

constexpr const char* kResidual = R"(graph(%x: f32[1, 4, 8, 8]) {
  %a = nn.Conv2d @stem.conv(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}
  %b = nn.ReLU @stem.act(%a)
  %c = nn.Conv2d @block.conv(%b) {in_channels=4, out_channels=4, kernel_size=[1, 1]}
  %d = aten.add.Tensor(%c, %b)
  %e = nn.ReLU @block.act(%d)
  %f = nn.MaxPool2d @pool(%e) {kernel_size=[4, 4], stride=[4, 4]}
  %g = nn.Flatten @flatten(%f)
  %y = nn.Linear @head.fc(%g) {in_features=16, out_features=3}
  return %y
}
)";

GraphModule transformed(const char* text) { return std::move(transform(parse(text)).model); }

QuantConfig skipping(std::vector<std::string> stub, std::vector<std::string> weight) {
  QuantConfig config;
  config.skip = {std::move(stub), std::move(weight)};
  return config;
}

TEST(StubPlan, GivesEachTensorOneStubAndEachDecisionAReason) {
  EXPECT_EQ(plan_stubs(transformed(kResidual), {}).text(),
            "Q/DQ %quant_stub_0 on %x for FusedConvBNAct_0[0]: FusedConvBNAct reads INT8 (rule W1)\n"
            "Q/DQ %quant_stub_1 on %fused_conv_bn_act_0 for FusedConvBNAddAct_0[0], FusedConvBNAddAct_0[1]: FusedConvBNAddAct "
            "reads INT8 (rule W1)\n"
            "Q/DQ %quant_stub_2 on %f for FusedLinear_0[0]: FusedLinear reads INT8 (rule W1)\n"
            "Q/DQ stem.conv.weight in FusedConvBNAct_0: per output channel (rule V11)\n"
            "Q/DQ block.conv.weight in FusedConvBNAddAct_0: per output channel (rule V11)\n"
            "Q/DQ head.fc.weight in FusedLinear_0: per output channel (rule V11)\n");
}

TEST(StubPlan, PutsTheStubInFrontOfACopyThatNobodyElseReads) {
  GraphModule module = transformed(kResidual);
  apply_stub_plan(module, plan_stubs(module, {}));
  verify(module);
  const std::string text = print(module);
  EXPECT_NE(text.find("%quant_stub_2 = QuantStub @quant_stub_2(%f)"), std::string::npos) << text;
  EXPECT_NE(text.find("%g = nn.Flatten @flatten(%quant_stub_2)"), std::string::npos) << text;
  EXPECT_NE(text.find("FusedConvBNAddAct @FusedConvBNAddAct_0(%quant_stub_1, %quant_stub_1)"), std::string::npos) << text;
}

TEST(StubPlan, LeavesOutWhatTheRecipeSkipsByPathPartKindOrPattern) {
  const GraphModule module = transformed(kResidual);
  for (const char* entry : {"FusedLinear_0", "head.fc", "head", "nn.Linear", "FusedLinear", "he*fc"}) {
    const StubPlan plan = plan_stubs(module, skipping({entry}, {entry}));
    EXPECT_EQ(plan.stubs.size(), 2U) << entry;
    EXPECT_FALSE(plan.weights.back().quantized) << entry;
    EXPECT_TRUE(plan.warnings.empty()) << entry;
  }
}

TEST(StubPlan, WarnsWhenOnlyOneSideIsSkipped) {
  GraphModule module = transformed(kResidual);
  const StubPlan weight_only = plan_stubs(module, skipping({}, {"head.fc"}));
  ASSERT_EQ(weight_only.warnings.size(), 1U);
  EXPECT_NE(weight_only.warnings[0].find("head.fc"), std::string::npos);
  EXPECT_EQ(weight_only.stubs.size(), 3U);
  const StubPlan stub_only = plan_stubs(module, skipping({"head.fc"}, {}));
  ASSERT_EQ(stub_only.warnings.size(), 1U);
  EXPECT_FALSE(stub_only.weights.back().quantized);
  apply_stub_plan(module, stub_only);
  verify(module);
  EXPECT_FALSE(module.modules()[module.modules().find("FusedLinear_0")].child("weight_fake_quant"));
}

TEST(StubPlan, RefusesAnEntryThatMatchesNothing) {
  const GraphModule module = transformed(kResidual);
  for (const QuantConfig& config : {skipping({"tail"}, {}), skipping({}, {"tail"}), skipping({"hea"}, {"hea"})}) {
    try {
      plan_stubs(module, config);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), "config.skip");
    }
  }
}

TEST(StubPlan, LeavesAGroupedConvolutionWithoutAKernelInFloat) {
  const GraphModule module = transformed(R"(graph(%x: f32[1, 6, 4, 4], %r: f32[1, 6, 4, 4]) {
  %a = nn.Conv2d @conv(%x) {in_channels=6, out_channels=6, kernel_size=[1, 1], groups=2}
  %b = aten.add.Tensor(%a, %r)
  %y = nn.ReLU @act(%b)
  return %y
}
)");
  const StubPlan plan = plan_stubs(module, {});
  EXPECT_TRUE(plan.stubs.empty());
  EXPECT_EQ(plan.missing.size(), 2U) << "the residual's stub goes too";
  ASSERT_EQ(plan.weights.size(), 1U);
  EXPECT_FALSE(plan.weights[0].quantized);
  EXPECT_NE(plan.weights[0].reason.find("S1"), std::string::npos);
}

TEST(SkipList, StarsStandForAnything) {
  EXPECT_TRUE(fits_pattern("layer4.0.conv1", "layer4.*"));
  EXPECT_TRUE(fits_pattern("layer4.0.conv1", "*conv1"));
  EXPECT_TRUE(fits_pattern("layer4.0.conv1", "l*4*1"));
  EXPECT_FALSE(fits_pattern("layer4.0.conv1", "layer3.*"));
  EXPECT_FALSE(fits_pattern("layer4", "layer4.*"));
  EXPECT_TRUE(fits_pattern("", "*"));
}

class Recipe : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    const auto path = std::filesystem::path(testing::TempDir()) / "recipe.json";
    std::ofstream(path) << text;
    return path;
  }
  std::string refusal(const std::string& text) {
    try {
      read_quant_config(write(text));
    } catch (const Error& error) {
      return error.code() + " " + error.message();
    }
    return "accepted";
  }
};

TEST_F(Recipe, ReadsSkipsAndAcceptsTheDefaults) {
  const QuantConfig config = read_quant_config(write(
      R"({"activation": {"precision": "int8"}, "weight": {"per_channel": true}, "skip": {"stub": ["a"], "weight": ["b", "c"]}})"));
  EXPECT_EQ(config.skip.stub, std::vector<std::string>{"a"});
  EXPECT_EQ(config.skip.weight, (std::vector<std::string>{"b", "c"}));
}

TEST_F(Recipe, RefusesWhatNoEngineTakesAndSaysWhich) {
  EXPECT_EQ(refusal("{"), "config.json the recipe is not JSON");
  EXPECT_EQ(refusal(R"({"skipp": {}})"), R"(config.key "recipe" has no key "skipp")");
  EXPECT_NE(refusal(R"({"weight": {"symmetric": false}})").find("V1"), std::string::npos);
  EXPECT_NE(refusal(R"({"activation": {"per_channel": true}})").find("V11"), std::string::npos);
  EXPECT_NE(refusal(R"({"weight": {"per_channel": false}})").find("per output channel"), std::string::npos);
  EXPECT_NE(refusal(R"({"weight": {"precision": "int3"}})").find("int3"), std::string::npos);
  EXPECT_NE(refusal(R"({"skip": {"stub": "a"}})").find("stub"), std::string::npos);
}

}  // namespace
}  // namespace graftwork
