// What the surroundings of a fused module say about its stubs: one network for each pattern of the quantizations list.
#include <gtest/gtest.h>

#include "graftwork/base/text.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/stub_plan.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

/// Statements of a network, with "conv NAME(%x)" for a 1×1 convolution from and to 4 channels.
GraphModule network(const std::string& inputs, std::initializer_list<std::string> statements,
                    const std::string& results) {
  std::string text = "graph(" + inputs + ") {\n";
  for (std::string statement : statements) {
    if (const size_t at = statement.find("conv "); at != std::string::npos) {
      const std::string name = statement.substr(at + 5, statement.find('(', at) - at - 5);
      statement.replace(at, 5 + name.size(), "nn.Conv2d @" + name);
      statement += " {in_channels=4, out_channels=4, kernel_size=[1, 1]}";
    }
    text += "  " + statement + "\n";
  }
  return transform(testing::parse_network(text + "  return " + results + "\n}\n")).model;
}

/// The lines of the plan about activations.
std::string stubs(const GraphModule& module, const QuantConfig& config = {}) {
  std::string lines;
  const std::string text = plan_stubs(module, config).text();
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin) + 1;
    const std::string line = text.substr(begin, end - begin);
    if (line.find(".weight") == std::string::npos) lines += line;
    begin = end;
  }
  return lines;
}

constexpr const char* kImage = "%x: f32[1, 4, 8, 8]";

TEST(PackedProduct, IsWarnedOfWhereProductsReadItsParts) {
  const auto warnings = [](std::initializer_list<std::string> statements, const std::string& results) {
    std::string text = "graph(%x: f32[2, 6, 8]) {\n";
    for (const std::string& statement : statements) text += "  " + statement + "\n";
    return plan_stubs(transform(testing::parse_network(text + "  return " + results + "\n}\n")).model, {}).warnings;
  };
  const std::string layer = "%y = nn.Linear @qkv(%x) {in_features=8, out_features=24}";
  const std::vector<std::string> one{
      "qkv: products read its result in parts; the engine was seen to run such a layer in floating point, where a "
      "layer for each part runs in INT8 (rule F16)"};
  EXPECT_EQ(warnings({layer, "%r: f32[2, 6, 3, 2, 4] = aten.reshape.default(%y) {shape=[2, 6, 3, 2, 4]}",
                      "%p: f32[3, 2, 2, 6, 4] = aten.permute.default(%r) {dims=[2, 0, 3, 1, 4]}",
                      "%q: f32[2, 2, 6, 4] = aten.select.int(%p) {dim=0, index=0}",
                      "%s: f32[2, 2, 6, 4] = aten.mul.Scalar(%q) {other=0.5}",
                      "%z: f32[2, 2, 6, 6] = aten.matmul.default(%s, %x)"},
                     "%z"),
            one);
  EXPECT_EQ(warnings({layer, "%c: (f32[2, 6, 12], f32[2, 6, 12]) = aten.chunk.default(%y) {chunks=2, dim=-1}",
                      "%a: f32[2, 6, 12] = get_item(%c) {index=0}",
                      "%t: f32[2, 12, 6] = aten.transpose.int(%a) {dim0=1, dim1=2}",
                      "%z: f32[2, 12, 8] = aten.matmul.default(%t, %x)"},
                     "%z"),
            one);
  EXPECT_EQ(warnings({layer, "%t: f32[2, 24, 6] = aten.transpose.int(%y) {dim0=1, dim1=2}",
                      "%z: f32[2, 24, 8] = aten.matmul.default(%t, %x)"},
                     "%z"),
            std::vector<std::string>())
      << "it is read whole";
  EXPECT_EQ(warnings({layer, "%c: (f32[2, 6, 12], f32[2, 6, 12]) = aten.chunk.default(%y) {chunks=2, dim=-1}",
                      "%a: f32[2, 6, 12] = get_item(%c) {index=0}", "%b: f32[2, 6, 12] = get_item(%c) {index=1}",
                      "%g: f32[2, 6, 12] = aten.sigmoid.default(%b)", "%z: f32[2, 6, 12] = aten.mul.Tensor(%a, %g)"},
                     "%z"),
            std::vector<std::string>())
      << "a gated unit";
}

TEST(Angle, OfWhichSineReadsAPartOfATurnIsFloat) {
  const auto plan = [](const std::string& reader) {
    const std::string text =
        "graph(%x: f32[2, 6, 2]) {\n  %y = nn.Linear @features(%x) {in_features=2, out_features=8}\n"
        "  %s: f32[2, 6, 8] = aten.mul.Tensor(%y) {other=6.28}\n"
        "  %z: f32[2, 6, 8] = " +
        reader + "(%s)\n  return %z\n}\n";
    return stubs(transform(testing::parse_network(text)).model);
  };
  EXPECT_EQ(plan("aten.cos.default"),
            "float FusedLinear_0[0]: its result is an angle, of which sine or cosine sees a part of a turn\n");
  EXPECT_EQ(plan("aten.sin.default"), plan("aten.cos.default"));
  EXPECT_NE(plan("aten.abs.default").find("Q/DQ"), std::string::npos);
}

TEST(ConstantLayer, IsFloatAlsoBehindDataMovement) {
  const auto plan = [](const std::string& lines) {
    const std::string text = "graph(%x: f32[1, 6, 2]) {\n  %p: f32[6, 2] = constant @positions: f32[6, 2]\n" + lines +
                             "  %z: f32[1, 6, 2] = aten.add.Tensor(%y, %x)\n  return %z\n}\n";
    return stubs(transform(testing::parse_network(text)).model);
  };
  const char* reason =
      "float FusedLinear_0[0]: it reads a constant: its result is computed once, when the engine is built\n";
  EXPECT_EQ(plan("  %y = nn.Linear @l(%p) {in_features=2, out_features=2}\n"), reason);
  EXPECT_EQ(plan("  %u: f32[1, 6, 2] = aten.unsqueeze.default(%p) {dim=0}\n"
                 "  %y = nn.Linear @l(%u) {in_features=2, out_features=2}\n"),
            reason);
  EXPECT_NE(plan("  %y = nn.Linear @l(%x) {in_features=2, out_features=2}\n").find("Q/DQ"), std::string::npos);
}

TEST(Residual, IsQuantizedWhereTheSumIs) {
  EXPECT_EQ(
      stubs(network(kImage,
                    {"%a = conv a(%x)", "%s = aten.add.Tensor(%a, %x)", "%b = conv b(%s)",
                     "%t = aten.add.Tensor(%b, %s)", "%c = conv c(%t)"},
                    "%c")),
      "Q/DQ %quant_stub_0 on %x for FusedConvBNAdd_0[0], FusedConvBNAdd_0[1]: FusedConvBNAdd reads INT8 (rule W1)\n"
      "Q/DQ %quant_stub_1 on %fused_conv_bn_add_0 for FusedConvBNAdd_1[0], FusedConvBNAdd_1[1]: FusedConvBNAdd "
      "reads INT8 (rule W1)\n"
      "Q/DQ %quant_stub_2 on %fused_conv_bn_add_1 for FusedConvBN_0[0]: FusedConvBN reads INT8 (rule W1)\n");
}

TEST(Residual, StaysFloatWhereTheSumIsReadInFloatingPointToo) {
  EXPECT_EQ(
      stubs(network(kImage, {"%r = conv r(%x)", "%a = conv a(%x)", "%s = aten.add.Tensor(%a, %r)", "%b = conv b(%s)"},
                    "%b, %s")),
      "Q/DQ %quant_stub_0 on %x for FusedConvBN_0[0], FusedConvBNAdd_0[0]: FusedConvBN reads INT8 (rule W1)\n"
      "Q/DQ %quant_stub_1 on %fused_conv_bn_add_0 for FusedConvBN_1[0]: FusedConvBN reads INT8 (rule W1)\n"
      "float FusedConvBNAdd_0[1]: the sum is read in floating point, so it is added in floating point (rule F3)\n");
}

TEST(Residual, FollowsItsConvolution) {
  QuantConfig config;
  config.skip.stub = {"a"};
  const std::string plan =
      stubs(network(kImage, {"%a = conv a(%x)", "%s = aten.add.Tensor(%a, %x)", "%b = conv b(%s)"}, "%b"), config);
  EXPECT_NE(plan.find("float FusedConvBNAdd_0[0]: skipped by the recipe\nfloat FusedConvBNAdd_0[1]: skipped"),
            std::string::npos)
      << plan;
}

TEST(Residual, OneBranchOfTwoConvolutionsHasTheStub) {
  EXPECT_EQ(
      stubs(network(kImage,
                    {"%a = conv a(%x)", "%r = nn.ReLU @act(%a)", "%b = conv b(%r)", "%d = conv down(%x)",
                     "%s = aten.add.Tensor(%d, %b)", "%t = nn.ReLU @last(%s)", "%c = conv c(%t)"},
                    "%c")),
      "Q/DQ %quant_stub_0 on %x for FusedConvBNAct_0[0], FusedConvBN_0[0]: FusedConvBNAct reads INT8 (rule W1)\n"
      "Q/DQ %quant_stub_1 on %fused_conv_bn_act_0 for FusedConvBNAddAct_0[0]: FusedConvBNAddAct reads INT8 (rule W1)\n"
      "Q/DQ %quant_stub_2 on %fused_conv_bn_0 for FusedConvBNAddAct_0[1]: the residual operand decides the precision "
      "of the sum (rule F3)\n"
      "Q/DQ %quant_stub_3 on %fused_conv_bn_add_act_0 for FusedConvBN_1[0]: FusedConvBN reads INT8 (rule W1)\n");
}

constexpr const char* kPool = "nn.AdaptiveAvgPool2d @pool(%a) {output_size=[1, 1]}";

TEST(GlobalPool, IsQuantizedOnBothSidesBetweenInt8Neighbours) {
  EXPECT_EQ(
      stubs(network(kImage, {"%a = conv a(%x)", cat("%p = ", kPool), "%b = conv b(%p)"}, "%b")),
      "Q/DQ %quant_stub_0 on %x for FusedConvBN_0[0]: FusedConvBN reads INT8 (rule W1)\n"
      "Q/DQ %quant_stub_1 on %fused_conv_bn_0 for FusedAdaptiveAvgPool2d_0[0]: between INT8 neighbours pooling has "
      "Q/DQ on both sides (rule F9)\n"
      "Q/DQ %quant_stub_2 on %fused_adaptive_avg_pool2d_0 for FusedConvBN_1[0]: FusedConvBN reads INT8 (rule W1)\n");
}

TEST(GlobalPool, StaysFloatInSqueezeAndExcite) {
  const std::string plan =
      stubs(network(kImage,
                    {"%a = conv a(%x)", cat("%p = ", kPool), "%b = conv b(%p)", "%g = nn.Sigmoid @gate(%b)",
                     "%m = aten.mul.Tensor(%a, %g)", "%c = conv c(%m)"},
                    "%c"));
  EXPECT_NE(plan.find("float FusedAdaptiveAvgPool2d_0[0]: its neighbours are not all INT8 (rule F9)\n"),
            std::string::npos)
      << plan;
  EXPECT_NE(plan.find("on %m for"), std::string::npos) << "Q stands behind the product: " << plan;
}

TEST(GlobalPool, StaysFloatInFrontOfAResult) {
  const std::string plan = stubs(network(kImage, {"%a = conv a(%x)", cat("%p = ", kPool)}, "%p"));
  EXPECT_NE(plan.find("float FusedAdaptiveAvgPool2d_0[0]"), std::string::npos) << plan;
}

TEST(Concat, GivesOneScaleToAllAround) {
  const std::string plan = stubs(network(kImage,
                                         {"%a = conv a(%x)", "%b = conv b(%a)", "%c = aten.cat.default(%a, %b) {dim=1}",
                                          "%d = nn.Conv2d @d(%c) {in_channels=8, out_channels=4, kernel_size=[1, 1]}"},
                                         "%d"));
  EXPECT_EQ(plan,
            "Q/DQ %quant_stub_0 on %x for FusedConvBN_0[0]: FusedConvBN reads INT8 (rule W1)\n"
            "Q/DQ %quant_stub_1 on %fused_conv_bn_0 for FusedConvBN_1[0]: FusedConvBN reads INT8 (rule W1); one scale "
            "around %c (rule C5)\n"
            "Q/DQ %quant_stub_2 on %c for FusedConvBN_2[0]: FusedConvBN reads INT8 (rule W1); one scale around %c "
            "(rule C5)\n");
}

TEST(Concat, SharesThroughOneIntoTheNextAndThroughViews) {
  const StubPlan plan = plan_stubs(
      network(kImage,
              {"%a = conv a(%x)", "%b = conv b(%a)", "%c = aten.cat.default(%a, %b) {dim=1}",
               "%v = aten.view.default(%c) {size=[1, 2, 4, 8, 8]}", "%t = aten.transpose.int(%v) {dim0=1, dim1=2}",
               "%w = aten.view.default(%t) {size=[1, 8, 8, 8]}", "%e = aten.cat.default(%w, %b) {dim=1}",
               "%d = nn.Conv2d @d(%e) {in_channels=12, out_channels=4, kernel_size=[1, 1]}"},
              "%d"),
      {});
  std::vector<std::string> shared;
  for (const PlannedStub& stub : plan.stubs) {
    if (!stub.scale_group.empty()) shared.push_back(stub.tensor.str() + " " + stub.scale_group.str());
  }
  EXPECT_EQ(shared, (std::vector<std::string>{"fused_conv_bn_0 c", "e c"}));
}

TEST(Concat, OfValuesThatAreReadInFloatingPointSharesNothing) {
  const StubPlan plan = plan_stubs(
      network(kImage, {"%a = conv a(%x)", "%b = conv b(%a)", "%c = aten.cat.default(%a, %b) {dim=1}"}, "%c"), {});
  EXPECT_EQ(plan.stubs.size(), 2U) << plan.text();
  for (const PlannedStub& stub : plan.stubs) EXPECT_TRUE(stub.scale_group.empty()) << stub.stub.str();
}

TEST(ActAdd, LeavesTheActivationToTheLayerInFront) {
  // The convolution has a second reader, so it cannot take the activation into its fused module.
  const std::string plan = stubs(network(kImage,
                                         {"%a = conv a(%x)", "%n = aten.neg.default(%a)", "%g = nn.SiLU @act(%a)",
                                          "%s = aten.add.Tensor(%g, %x)", "%c = conv c(%s)"},
                                         "%c, %n"));
  EXPECT_NE(plan.find("float FusedActAdd_0[0]: the layer in front takes the activation into its kernel (rule F6)\n"),
            std::string::npos)
      << plan;
  EXPECT_NE(plan.find("on %x for FusedConvBN_0[0], FusedActAdd_0[1]"), std::string::npos) << plan;
}

TEST(ActAdd, IsAllInt8OrNot) {
  const auto plan_of = [](const char* results) {
    return stubs(network("%x: f32[1, 4, 8, 8], %y: f32[1, 4, 8, 8]",
                         {"%g = nn.SiLU @act(%x)", "%s = aten.add.Tensor(%g, %y)", "%c = conv c(%s)"}, results));
  };
  EXPECT_EQ(plan_of("%c"),
            "Q/DQ %quant_stub_0 on %x for FusedActAdd_0[0]: FusedActAdd reads INT8 (rule F15)\n"
            "Q/DQ %quant_stub_1 on %y for FusedActAdd_0[1]: FusedActAdd reads INT8 (rule F15)\n"
            "Q/DQ %quant_stub_2 on %fused_act_add_0 for FusedConvBN_0[0]: FusedConvBN reads INT8 (rule W1)\n");
  const std::string plan = plan_of("%c, %s");
  EXPECT_NE(plan.find("float FusedActAdd_0[0]: an elementwise kernel is INT8 only with Q/DQ on both sides (rule F15)\n"
                      "float FusedActAdd_0[1]: an elementwise"),
            std::string::npos)
      << plan;
}

TEST(Placement, StandsBehindWhatDqDoesNotCross) {
  for (const char* between :
       {"nn.Upsample @up(%a) {scale_factor=[2, 2]}", "nn.AvgPool2d @pool(%a) {kernel_size=[2, 2], stride=[2, 2]}"}) {
    const std::string plan =
        stubs(network(kImage, {"%a = conv a(%x)", cat("%p = ", between), "%b = conv b(%p)"}, "%b"));
    EXPECT_NE(plan.find("on %p for FusedConvBN_1[0]: FusedConvBN reads INT8 (rule W1); behind nn."), std::string::npos)
        << plan;
  }
  const std::string plan = stubs(network(
      kImage, {"%a = conv a(%x)", "%r = nn.ReLU @r(%a)", "%n = aten.neg.default(%a)", "%b = conv b(%r)"}, "%b, %n"));
  EXPECT_NE(plan.find("on %r for"), std::string::npos) << plan;
}

TEST(Placement, StandsInFrontOfDataMovement) {
  const std::string plan = stubs(network("%x: f32[1, 4, 8, 8]",
                                         {"%a = nn.Conv2d @a(%x) {in_channels=4, out_channels=16, kernel_size=[1, 1]}",
                                          "%p = nn.PixelShuffle @up(%a) {upscale_factor=2}", "%b = conv b(%p)"},
                                         "%b"));
  EXPECT_NE(plan.find("on %fused_conv_bn_0 for FusedConvBN_1[0]"), std::string::npos) << plan;
}

TEST(Placement, LeavesTransposedConvolutionsAndUnevenGroupsFloat) {
  const std::string plan = stubs(
      network(kImage,
              {"%a = nn.ConvTranspose2d @up(%x) {in_channels=4, out_channels=4, kernel_size=[2, 2], stride=[2, 2]}",
               "%b = nn.Conv2d @odd(%a) {in_channels=4, out_channels=4, kernel_size=[1, 1], groups=2}"},
              "%b"));
  EXPECT_EQ(plan,
            "float FusedConvBN_0[0]: a transposed convolution is faster in floating point (rule F13)\n"
            "float FusedConvBN_1[0]: no INT8 kernel: 2 input and 2 output channels per group, not multiples of 4 (rule "
            "S1)\n");
}

TEST(Policy, CanLeaveDepthwiseConvolutionsFloat) {
  const GraphModule module = network(
      kImage,
      {"%a = conv a(%x)", "%d = nn.Conv2d @dw(%a) {in_channels=4, out_channels=4, kernel_size=[1, 1], groups=4}"},
      "%d");
  EXPECT_NE(stubs(module).find("for FusedConvBN_1[0]: FusedConvBN reads INT8"), std::string::npos);
  QuantConfig config;
  config.policy.float_depthwise = true;
  const StubPlan plan = plan_stubs(module, config);
  ASSERT_EQ(plan.missing.size(), 1u);
  EXPECT_EQ(plan.missing[0].reason, "depthwise convolutions stay in floating point by the recipe's policy");
  EXPECT_EQ(plan.quantized_weights(), 1u);
  EXPECT_TRUE(plan.warnings.empty());
}

GraphModule squeeze_excite() {
  return network(kImage,
                 {"%a = conv a(%x)", "%p = nn.AdaptiveAvgPool2d @pool(%a) {output_size=[1, 1]}",
                  "%s = conv squeeze(%p)", "%r = nn.ReLU @relu(%s)", "%e = conv excite(%r)",
                  "%g = nn.Sigmoid @gate(%e)", "%m = aten.mul.Tensor(%g, %a)", "%b = conv b(%m)"},
                 "%b");
}

TEST(Policy, CanLeaveSqueezeExciteFloat) {
  const GraphModule module = squeeze_excite();
  EXPECT_EQ(plan_stubs(module, {}).quantized_weights(), 4u);
  QuantConfig config;
  config.policy.float_squeeze_excite = true;
  const StubPlan plan = plan_stubs(module, config);
  EXPECT_EQ(plan.quantized_weights(), 2u) << "those in front of the branch and behind it";
  for (const std::string layer : {"FusedConvBNAct_0", "FusedConvBNAct_1"}) {
    const auto missing = std::find_if(plan.missing.begin(), plan.missing.end(),
                                      [&](const auto& one) { return one.reader.module == Symbol(layer); });
    ASSERT_NE(missing, plan.missing.end()) << layer;
    EXPECT_EQ(missing->reason, "squeeze-and-excite layers stay in floating point by the recipe's policy");
  }
  ASSERT_EQ(plan.rules.size(), 1U);
  EXPECT_EQ(plan.rules[0].rule, "policy squeeze_excite");
  EXPECT_EQ(plan.rules[0].modules, (std::vector<Symbol>{"FusedAdaptiveAvgPool2d_0", "squeeze", "excite"}));
  EXPECT_TRUE(plan.warnings.empty());
}

TEST(Policy, OfSqueezeExciteGivesWayToRules) {
  QuantConfig config;
  config.policy.float_squeeze_excite = true;
  config.rules = {{.name = "excite", .type = {}, .scope = {}, .format = {}}};
  const GraphModule module = squeeze_excite();
  const StubPlan plan = plan_stubs(module, config);
  std::vector<std::string> in_float;
  for (const PlannedWeight& weight : plan.weights) {
    if (!weight.quantized) in_float.push_back(weight.layer.str());
  }
  EXPECT_EQ(in_float, std::vector<std::string>{"squeeze"});
  ASSERT_EQ(plan.rules.size(), 2U);
  EXPECT_EQ(plan.rules[0].rule, "rule 1 (name excite: INT8)");
  EXPECT_EQ(plan.rules[0].modules, std::vector<Symbol>{"excite"});
  EXPECT_EQ(plan.rules[1].rule, "policy squeeze_excite");
  EXPECT_EQ(plan.rules[1].modules, (std::vector<Symbol>{"FusedAdaptiveAvgPool2d_0", "squeeze"}));
}

TEST(Policy, TakesNoAttentionOverPixelsForSqueezeExcite) {
  const GraphModule module = network(kImage,
                                     {"%a = conv a(%x)", "%p = aten.mean.dim(%a) {dim=[1], keepdim=true}",
                                      "%e = nn.Conv2d @excite(%p) {in_channels=1, out_channels=1, kernel_size=[1, 1]}",
                                      "%g = nn.Sigmoid @gate(%e)", "%m = aten.mul.Tensor(%g, %a)", "%b = conv b(%m)"},
                                     "%b");
  QuantConfig config;
  config.policy.float_squeeze_excite = true;
  EXPECT_EQ(plan_stubs(module, config).quantized_weights(), 3u);
}

TEST(GivenStubs, StayAndNoOthersAreAdded) {
  const GraphModule module = network(kImage,
                                     {"%q = QuantStub @a.input(%x) {given_scale=0.05}", "%a = conv a(%q)",
                                      "%s = aten.add.Tensor(%a, %x)", "%b = conv b(%s)"},
                                     "%b");
  const StubPlan plan = plan_stubs(module, {});
  ASSERT_EQ(plan.stubs.size(), 1u);
  EXPECT_EQ(plan.stubs[0].stub.str(), "a.input");
  EXPECT_TRUE(plan.stubs[0].given);
  EXPECT_EQ(plan.stubs[0].tensor.str(), "x");
  EXPECT_EQ(plan.quantized_weights(), 1u);
  ASSERT_EQ(plan.missing.size(), 2u);
  EXPECT_EQ(plan.missing[0].reason, "the network was trained without a fake-quantize operator here");
  GraphModule planned = module.clone();
  apply_stub_plan(planned, plan);
  EXPECT_EQ(planned.graph().size(), module.graph().size()) << "a stub was added";
}

TEST(SharedModule, MayReadAnotherStubInEachCall) {
  const GraphModule module =
      network("%x: f32[1, 4, 8, 8], %y: f32[1, 4, 8, 8]",
              {"%f = conv f(%x)", "%g = conv g(%y)",
               "%a = FusedConvBN @FusedConvBN_7(%f) {stubs=[0]} [conv=nn.Conv2d @head {in_channels=4, out_channels=4, "
               "kernel_size=[1, 1]}, weight_fake_quant=WeightFakeQuantize @head.weight_fake_quant]",
               "%b = FusedConvBN @FusedConvBN_7(%g)"},
              "%a, %b");
  StubPlan plan = plan_stubs(module, {});
  EXPECT_EQ(plan.stubs.size(), 4u);
  EXPECT_NO_THROW(check_stub_plan(module, plan));
}

}  // namespace
}  // namespace graftwork::core
