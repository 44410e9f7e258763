// Where Q/DQ go: the plan as text, entries of a recipe, and the plan carried out.
#include "graftwork/place/stub_plan.h"

#include <gtest/gtest.h>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/quant_config.h"
#include "graftwork/place/skip_list.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

std::string conv(const std::string& path, const std::string& input, int64_t in = 4, const std::string& more = "") {
  return cat("nn.Conv2d @", path, input, " {in_channels=", in, ", out_channels=4, kernel_size=[1, 1]", more, "}");
}

/// A residual block, pooled and classified, behind a stem.
std::string residual_net() {
  return cat(
      "graph(%x: f32[2, 3, 4, 4]) {\n  %s = ", conv("stem.conv", "(%x)", 3), "\n  %a = ", conv("block.conv1", "(%s)"),
      "\n  %b = nn.ReLU @block.act1(%a)\n  %c = ", conv("block.conv2", "(%b)"),
      "\n  %d = aten.add.Tensor(%c, %s)\n  %e = nn.ReLU @block.act2(%d)\n  %p = nn.AdaptiveAvgPool2d @pool(%e) "
      "{output_size=[2, 2]}\n"
      "  %f = nn.Flatten @flat(%p)\n  %y = nn.Linear @fc(%f) {in_features=16, out_features=10}\n  return %y\n}\n");
}

GraphModule transformed(const std::string& text) { return transform(testing::parse_network(text)).model; }

QuantConfig skipping(std::vector<std::string> stub, std::vector<std::string> weight = {}) {
  QuantConfig config;
  config.skip = {std::move(stub), std::move(weight)};
  return config;
}

std::string refusal(const GraphModule& module, const QuantConfig& config) {
  try {
    plan_stubs(module, config);
  } catch (const Error& error) {
    return cat(error.code(), ": ", error.message());
  }
  return "nothing was refused";
}

TEST(StubPlan, OfAResidualBlockHasOneStubForEachTensor) {
  const GraphModule module = transformed(residual_net());
  EXPECT_EQ(
      plan_stubs(module, {}).text(),
      "Q/DQ %quant_stub_0 on %x for FusedConvBN_0[0]: FusedConvBN reads INT8 (rule W1)\n"
      "Q/DQ %quant_stub_1 on %fused_conv_bn_0 for FusedConvBNAct_0[0], FusedConvBNAddAct_0[1]: FusedConvBNAct reads "
      "INT8 (rule W1)\n"
      "Q/DQ %quant_stub_2 on %fused_conv_bn_act_0 for FusedConvBNAddAct_0[0]: FusedConvBNAddAct reads INT8 (rule W1)\n"
      "Q/DQ %quant_stub_3 on %fused_conv_bn_add_act_0 for FusedAdaptiveAvgPool2d_0[0]: between INT8 neighbours pooling "
      "has Q/DQ on both sides (rule F9)\n"
      "Q/DQ %quant_stub_4 on %fused_adaptive_avg_pool2d_0 for FusedLinear_0[0]: FusedLinear reads INT8 (rule W1)\n"
      "Q/DQ stem.conv.weight in FusedConvBN_0: per output channel (rule V11)\n"
      "Q/DQ block.conv1.weight in FusedConvBNAct_0: per output channel (rule V11)\n"
      "Q/DQ block.conv2.weight in FusedConvBNAddAct_0: per output channel (rule V11)\n"
      "Q/DQ fc.weight in FusedLinear_0: per output channel (rule V11)\n");
}

TEST(StubPlan, CarriedOutGivesAValidNetworkThatReadsItsStubs) {
  const GraphModule before = transformed(residual_net());
  GraphModule module = before.clone();
  apply_stub_plan(module, plan_stubs(module, {}));
  verify(module);
  EXPECT_EQ(print(testing::parse_network(print(module))), print(module));
  std::vector<std::string> calls;
  for (const Node& node : module.graph().nodes()) {
    std::string call = node.name().str() + " <-";
    for (const Use& use : node.inputs()) call += " " + use.producer()->name().str();
    if (node.kind() == NodeKind::kCallModule) calls.push_back(call);
  }
  EXPECT_EQ(calls, (std::vector<std::string>{
                       "quant_stub_0 <- x", "fused_conv_bn_0 <- quant_stub_0", "quant_stub_1 <- fused_conv_bn_0",
                       "fused_conv_bn_act_0 <- quant_stub_1", "quant_stub_2 <- fused_conv_bn_act_0",
                       "fused_conv_bn_add_act_0 <- quant_stub_2 quant_stub_1",
                       "quant_stub_3 <- fused_conv_bn_add_act_0", "fused_adaptive_avg_pool2d_0 <- quant_stub_3",
                       "quant_stub_4 <- fused_adaptive_avg_pool2d_0", "f <- quant_stub_4", "fused_linear_0 <- f"}));
  EXPECT_EQ(before.modules().find("quant_stub_0"), ModuleId()) << "the network that was cloned changed";
}

TEST(StubPlan, SharesAStubAmongReadersOnBothSidesOfACopy) {
  // %f has two readers: it is a tensor of its own, unlike a copy with one.
  const GraphModule module = transformed(
      "graph(%x: f32[2, 4, 1, 1]) {\n  %f = aten.view.default(%x) {size=[2, 4]}\n  %g = aten.reshape.default(%f) "
      "{shape=[4, 2]}\n"
      "  %a = nn.Linear @a(%f) {in_features=4, out_features=2}\n  %b = nn.Linear @b(%g) {in_features=2, "
      "out_features=4}\n"
      "  %c = nn.Linear @c(%f) {in_features=4, out_features=3}\n  return %a, %b, %c\n}\n");
  const StubPlan plan = plan_stubs(module, {});
  ASSERT_EQ(plan.stubs.size(), 1U) << plan.text();
  EXPECT_EQ(plan.stubs[0].tensor, Symbol("f"));
  EXPECT_EQ(plan.stubs[0].readers.size(), 3U);
  GraphModule applied = module.clone();
  apply_stub_plan(applied, plan);
  verify(applied);
}

TEST(StubPlan, StandsInFrontOfAFlattenThatOneReaderIsBehind) {
  GraphModule module = transformed(cat(
      "graph(%x: f32[2, 4, 2, 2]) {\n  %a = ", conv("c", "(%x)"),
      "\n  %f = nn.Flatten @f(%x)\n  %b = nn.Linear @l(%f) {in_features=16, out_features=3}\n  return %a, %b\n}\n"));
  const StubPlan plan = plan_stubs(module, {});
  ASSERT_EQ(plan.stubs.size(), 1U) << plan.text();
  EXPECT_EQ(plan.stubs[0].tensor, Symbol("x"));
  apply_stub_plan(module, plan);
  verify(module);
  EXPECT_EQ(module.graph().inputs()[0]->use_count(), 1U) << print(module);
}

TEST(StubPlan, ServesEveryCallOfAModuleThatIsCalledTwice) {
  const std::string text =
      cat("graph(%x: f32[2, 4, 4, 4]) {\n  %a = FusedConvBN @m(%x) {stubs=[0]} [conv=", conv("c", ""),
          ", weight_fake_quant=WeightFakeQuantize @m.q]\n  %b = aten.neg.default(%a)\n  %y = FusedConvBN @m(%b)\n  "
          "return %y\n}\n");
  GraphModule module = testing::parse_network(text);
  const StubPlan plan = plan_stubs(module, {});
  EXPECT_EQ(plan.stubs.size(), 2U) << plan.text();
  EXPECT_EQ(plan.weights.size(), 1U) << plan.text();
  apply_stub_plan(module, plan);
  verify(module);
}

TEST(StubPlan, TellsTwoPadsApartThatGraftsHaveMade) {
  GraphModule module = transformed(
      "graph(%x: f32[2, 4, 32]) {\n  %v = constant @v: f32[4, 4, 4]\n  %w = constant @w: f32[4, 4, 4]\n"
      "  %a: f32[2, 4, 32] = aten.conv1d.padding(%x, %v) {padding=\"same\"}\n"
      "  %r = aten.relu.default(%a)\n"
      "  %y: f32[2, 4, 32] = aten.conv1d.padding(%r, %w) {padding=\"same\"}\n  return %y\n}\n");
  apply_stub_plan(module, plan_stubs(module, {}));
  verify(module);
  const Node& last = module.graph().output()->input(0).input(0);
  ASSERT_EQ(last.op(), Symbol("QuantStub")) << print(module);
  EXPECT_EQ(last.input(0).name(), Symbol("pad_1"));
  const Node& first = last.input(0).input(0).input(0);
  ASSERT_EQ(first.op(), Symbol("QuantStub")) << print(module);
  EXPECT_EQ(first.input(0).name(), Symbol("pad"));
}

TEST(StubPlan, LeavesGroupsWithoutAnInt8KernelInFloatingPoint) {
  const StubPlan plan =
      plan_stubs(transformed(cat("graph(%x: f32[1, 4, 2, 2]) {\n  %y = ", conv("c", "(%x)", 4, ", groups=2"),
                                 "\n  return %y\n}\n")),
                 {});
  EXPECT_EQ(
      plan.text(),
      "float FusedConvBN_0[0]: no INT8 kernel: 2 input and 2 output channels per group, not multiples of 4 (rule S1)\n"
      "float c.weight in FusedConvBN_0: no INT8 kernel: 2 input and 2 output channels per group, not multiples of 4 "
      "(rule "
      "S1)\n");
}

TEST(StubPlan, LeavesTheResidualOfSuchAConvolutionToo) {
  const StubPlan plan =
      plan_stubs(transformed(cat("graph(%x: f32[1, 6, 4, 4], %r: f32[1, 6, 4, 4]) {\n  %a = nn.Conv2d @c(%x) "
                                 "{in_channels=6, out_channels=6, kernel_size=[1, 1], groups=2}\n"
                                 "  %b = aten.add.Tensor(%a, %r)\n  %y = nn.ReLU @act(%b)\n  return %y\n}\n")),
                 {});
  EXPECT_TRUE(plan.stubs.empty());
  EXPECT_EQ(plan.missing.size(), 2U);
  ASSERT_EQ(plan.weights.size(), 1U);
  EXPECT_FALSE(plan.weights[0].quantized);
}

TEST(ModulesToSkip, AreNamedByPathKindPartPatternOrFolder) {
  const GraphModule module = transformed(residual_net());
  const auto skipped = [&](const std::string& entry) {
    std::vector<std::string> modules;
    for (const MissingStub& missing : plan_stubs(module, skipping({entry}, {entry})).missing) {
      if (missing.reason == "skipped by the recipe")
        modules.push_back(cat(missing.reader.module.str(), "[", missing.reader.input, "]"));
    }
    return join(modules);
  };
  EXPECT_EQ(skipped("FusedLinear_0"), "FusedLinear_0[0]");
  EXPECT_EQ(skipped("FusedLinear"), "FusedLinear_0[0]");
  EXPECT_EQ(skipped("nn.Linear"), "FusedLinear_0[0]");
  EXPECT_EQ(skipped("block.conv2"), "FusedConvBNAddAct_0[0], FusedConvBNAddAct_0[1]");
  EXPECT_EQ(skipped("block.act1"), "FusedConvBNAct_0[0]");
  EXPECT_EQ(skipped("block"), "FusedConvBNAct_0[0], FusedConvBNAddAct_0[0], FusedConvBNAddAct_0[1]");
  EXPECT_EQ(skipped("b*.conv1"), "FusedConvBNAct_0[0]");
  EXPECT_EQ(skipped("nn.Conv2d"),
            "FusedConvBN_0[0], FusedConvBNAct_0[0], FusedConvBNAddAct_0[0], FusedConvBNAddAct_0[1]");
}

TEST(ModulesToSkip, OfOneReaderLeaveTheStubToTheOthers) {
  const StubPlan plan = plan_stubs(transformed(residual_net()), skipping({"block.conv1"}, {"block.conv1"}));
  ASSERT_EQ(plan.stubs.size(), 5U) << plan.text();
  EXPECT_EQ(plan.stubs[2].tensor, Symbol("fused_conv_bn_0"));
  ASSERT_EQ(plan.stubs[2].readers.size(), 1U);
  EXPECT_EQ(plan.stubs[2].readers[0].module, Symbol("FusedConvBNAddAct_0"));
  EXPECT_EQ(plan.warnings, std::vector<std::string>());
}

TEST(ModulesToSkip, EntriesThatMatchNothingAreErrors) {
  const GraphModule module = transformed(residual_net());
  EXPECT_EQ(refusal(module, skipping({"fc", "fcc"})),
            "config.skip: the entry \"fcc\" of skip.stub matches no module of this network");
  EXPECT_EQ(refusal(module, skipping({}, {"layer9.*"})),
            "config.skip: the entry \"layer9.*\" of skip.weight matches no module of this network");
  EXPECT_EQ(refusal(module, skipping({"bloc"})),
            "config.skip: the entry \"bloc\" of skip.stub matches no module of this network");
}

TEST(ModulesToSkip, WarnWhenOnlyTheStubOrOnlyTheWeightIsSkipped) {
  const GraphModule module = transformed(residual_net());
  const auto warnings = [&](const QuantConfig& config) { return plan_stubs(module, config).warnings; };
  EXPECT_EQ(warnings(skipping({"fc"})),
            (std::vector<std::string>{"fc: its input is skipped; its weight is left in floating point too; the layer "
                                      "runs in floating point (rule W1)"}));
  EXPECT_EQ(warnings(skipping({}, {"fc"})),
            (std::vector<std::string>{
                "fc: its weight is skipped and its input is not; the layer runs in floating point (rule W1)"}));
  EXPECT_EQ(warnings(skipping({"fc"}, {"fc"})), std::vector<std::string>());
}

TEST(ModulesToSkip, LoseTheirFakeQuantizeAndTheirStub) {
  for (const QuantConfig& config : {skipping({"nn.Linear"}, {"nn.Linear"}), skipping({"nn.Linear"})}) {
    GraphModule module = transformed(residual_net());
    apply_stub_plan(module, plan_stubs(module, config));
    verify(module);
    EXPECT_EQ(module.modules().find("quant_stub_3"), ModuleId());
    EXPECT_FALSE(module.modules()[module.modules().find("FusedLinear_0")].child("weight_fake_quant"));
    EXPECT_TRUE(module.modules()[module.modules().find("FusedConvBN_0")].child("weight_fake_quant"));
  }
}

TEST(ModulesToSkip, LoseTheFakeQuantizeThatTheyWereTrainedWithToo) {
  const std::string trained = cat("graph(%x: f32[1, 4, 2, 2]) {\n  %y = ", conv("c", "(%x)"),
                                  " [weight_fake_quant=WeightFakeQuantize @c.q {given_scale=0.05}]\n  return %y\n}\n");
  for (const bool skipped : {true, false}) {
    GraphModule module = transformed(trained);
    apply_stub_plan(module, plan_stubs(module, skipped ? skipping({"c"}, {"c"}) : QuantConfig()));
    verify(module);
    // Inside a kernel the kernel's quantizer is the one that counts, whatever the layer brings.
    const ModuleRecord& record = module.modules()[module.modules().find("FusedConvBN_0")];
    EXPECT_NE(static_cast<bool>(weight_quantizer(record, record.body->layers[0])), skipped);
  }
}

TEST(FitsPattern, KnowsStars) {
  for (const char* pattern : {"a.b.c", "*", "a*", "*c", "a.*.c", "**b**", "a.b.c*"})
    EXPECT_TRUE(fits_pattern("a.b.c", pattern)) << pattern;
  for (const char* pattern : {"", "a.b", "b*", "*b", "a.*.d", "a.b.c.*", "A*"})
    EXPECT_FALSE(fits_pattern("a.b.c", pattern)) << pattern;
  EXPECT_FALSE(fits_pattern(std::string(5000, 'a'), "*a*a*a*a*a*a*a*a*b"));
}

TEST(QuantConfig, IsReadFromAFile) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "recipe.json";
  const auto read = [&](const std::string& text) {
    write_file(path, text);
    try {
      const QuantConfig config = read_quant_config(path);
      return cat("stub ", join(config.skip.stub), " weight ", join(config.skip.weight));
    } catch (const Error& error) {
      return cat(error.code(), ": ", error.message());
    }
  };
  EXPECT_EQ(read("{}"), "stub  weight ");
  EXPECT_EQ(read(R"({"activation": {"precision": "int8"}, "weight": {"per_channel": true}})"), "stub  weight ");
  EXPECT_EQ(read(R"({"skip": {"stub": ["a", "b.*"], "weight": ["c"]}})"), "stub a, b.* weight c");
  EXPECT_EQ(read("{"), "config.json: the recipe is not JSON");
  EXPECT_EQ(read("[]"), "config.value: \"recipe\" is not an object");
  EXPECT_EQ(read(R"({"skips": {}})"), "config.key: \"recipe\" has no key \"skips\"");
  EXPECT_EQ(read(R"({"skip": {"stub": "fc"}})"), "config.value: \"stub\" is not a list of texts");
  EXPECT_EQ(read(R"({"skip": {"stub": [1]}})"), "config.value: \"stub\" is not a list of texts");
  EXPECT_EQ(read(R"({"activation": {"precision": "int7"}})"),
            "config.value: \"precision\" is \"int7\"; int8, fp8, int4 and int16 are supported");
  EXPECT_EQ(read(R"({"weight": {"symmetric": false}})"), "stub  weight ");
  EXPECT_TRUE(read(R"({"activation": {"per_channel": true}})").starts_with("config.value: \"per_channel\" is true"));
  EXPECT_EQ(read(R"({"weight": {"per_channel": false}})"), "stub  weight ");
  EXPECT_TRUE(
      read(R"({"weight": {"per_channel": 1}})").starts_with("config.value: \"per_channel\" is not true or false"));
}

}  // namespace
}  // namespace graftwork::core
