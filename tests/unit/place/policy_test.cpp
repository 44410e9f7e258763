// Rules and policies of a recipe: what each decides, and what cannot be written.
#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/plan_file.h"
#include "graftwork/place/stub_plan.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

/// Convolutions of 32 channels, one of them depthwise, pooled, and two linear layers.
GraphModule module() {
  const auto conv = [](const std::string& path, const std::string& input, const char* more = "") {
    return cat("nn.Conv2d @", path, "(%", input, ") {in_channels=32, out_channels=32, kernel_size=[3, 3]", more, "}\n");
  };
  return transform(
             testing::parse_network(
                 cat("graph(%x: f32[2, 32, 9, 9]) {\n  %a = ", conv("body.0.conv", "x"),
                     "  %r = nn.ReLU @body.0.act(%a)\n  %b = ", conv("body.1.conv", "r", ", groups=32"),
                     "  %c = ", conv("body.2.conv", "b"),
                     "  %p = nn.AdaptiveAvgPool2d @pool(%c) {output_size=[2, 2]}\n  %f = nn.Flatten @flat(%p)\n"
                     "  %d = nn.Linear @head.fc1(%f) {in_features=128, out_features=64}\n  %e = nn.ReLU @head.act(%d)\n"
                     "  %y = nn.Linear @head.fc2(%e) {in_features=64, out_features=8}\n  return %y\n}\n")))
      .model;
}

QuantConfig recipe(const std::string& policy) { return parse_quant_config(cat("{\"policy\": ", policy, "}")); }

/// "body.0.conv int8, body.1.conv float, ...": layer and precision of its weight.
std::string weights(const StubPlan& plan) {
  std::vector<std::string> texts;
  for (const PlannedWeight& weight : plan.weights)
    texts.push_back(cat(weight.layer.str(), " ", weight.quantized ? std::string(name_of(weight.precision)) : "float",
                        weight.block_size > 0 ? cat("/", weight.block_size) : ""));
  return join(texts);
}

std::string refusal(const std::string& policy) {
  try {
    const QuantConfig config = recipe(policy);
    plan_stubs(module(), config);
    check_can_be_written(config);
  } catch (const Error& error) {
    return cat(error.code(), ": ", error.message());
  }
  return "nothing was refused";
}

std::string rule(const std::string& match, const std::string& precision) {
  return cat(R"({"match": )", match, R"(, "precision": )", precision, "}");
}
std::string rules(const std::vector<std::string>& all) { return cat(R"({"rules": [)", join(all), "]}"); }

struct Case {
  const char* name;
  std::string policy;
  const char* weights;
};

class PolicyOf : public ::testing::TestWithParam<Case> {};

TEST_P(PolicyOf, DecidesByLayer) {
  EXPECT_EQ(weights(plan_stubs(module(), recipe(GetParam().policy))), GetParam().weights);
}

INSTANTIATE_TEST_SUITE_P(
    All, PolicyOf,
    ::testing::Values(
        Case{"nothing", "{}", "body.0.conv int8, body.1.conv int8, body.2.conv int8, head.fc1 int8, head.fc2 int8"},
        Case{"name", rules({rule(R"({"name": "body.*.conv"})", R"("float")")}),
             "body.0.conv float, body.1.conv float, body.2.conv float, head.fc1 int8, head.fc2 int8"},
        Case{"type", rules({rule(R"({"type": "nn.Linear"})", R"("fp8")")}),
             "body.0.conv int8, body.1.conv int8, body.2.conv int8, head.fc1 fp8, head.fc2 fp8"},
        Case{"kernel", rules({rule(R"({"type": "FusedConvBNAct"})", R"("float")")}),
             "body.0.conv float, body.1.conv int8, body.2.conv int8, head.fc1 int8, head.fc2 int8"},
        Case{"scope", rules({rule(R"({"scope": "body.2"})", R"("float")")}),
             "body.0.conv int8, body.1.conv int8, body.2.conv float, head.fc1 int8, head.fc2 int8"},
        Case{"all_that_is_asked",
             rules({rule(R"({"scope": "body", "name": "*0*", "type": "nn.Conv*"})", R"("float")")}),
             "body.0.conv float, body.1.conv int8, body.2.conv int8, head.fc1 int8, head.fc2 int8"},
        Case{"first_match_wins",
             rules({rule(R"({"name": "head.fc2"})", R"("int8")"), rule(R"({"scope": "head"})", R"("float")")}),
             "body.0.conv int8, body.1.conv int8, body.2.conv int8, head.fc1 float, head.fc2 int8"},
        Case{"blocks", rules({rule(R"({"scope": "head"})", R"({"weight": "int4", "block_size": 64})")}),
             "body.0.conv int8, body.1.conv int8, body.2.conv int8, head.fc1 int4/64, head.fc2 float"},
        Case{"depthwise", R"({"depthwise": "float"})",
             "body.0.conv int8, body.1.conv float, body.2.conv int8, head.fc1 int8, head.fc2 int8"},
        Case{"first_and_last", R"({"first_and_last": "float"})",
             "body.0.conv float, body.1.conv int8, body.2.conv int8, head.fc1 int8, head.fc2 float"},
        Case{"tiny_products", R"({"tiny_products": "float"})",
             "body.0.conv int8, body.1.conv int8, body.2.conv int8, head.fc1 int8, head.fc2 float"},
        Case{"rules_come_first",
             R"({"depthwise": "float", "rules": [{"match": {"name": "body.1.conv"}, "precision": "int8"}]})",
             "body.0.conv int8, body.1.conv int8, body.2.conv int8, head.fc1 int8, head.fc2 int8"}),
    [](const auto& test) { return test.param.name; });

TEST(Policy, LeavesGlobalPoolingFloat) {
  const auto pools = [](const StubPlan& plan) {
    return plan.text().find("for FusedAdaptiveAvgPool2d_0[0]") != std::string::npos;
  };
  EXPECT_TRUE(pools(plan_stubs(module(), {})));
  const StubPlan plan = plan_stubs(module(), recipe(R"({"global_pooling": "float"})"));
  EXPECT_FALSE(pools(plan));
  EXPECT_NE(plan.text().find("global pooling stays in floating point by the recipe's policy (rule F9)"),
            std::string::npos);
}

TEST(Policy, SaysWhatEachRuleDecided) {
  const StubPlan plan = plan_stubs(module(), recipe(R"({"first_and_last": "float", "rules": [
      {"match": {"name": "head.fc1"}, "precision": "fp8"}, {"match": {"scope": "head"}, "precision": "int8"},
      {"match": {"name": "head.fc1", "type": "nn.Linear"}, "precision": "float"}]})"));
  std::string text;
  for (const RuleHits& rule : plan.rules) {
    text += rule.rule + ":";
    for (const Symbol module : rule.modules) text += " " + module.str();
    text += "\n";
  }
  EXPECT_EQ(text,
            "rule 1 (name head.fc1: FP8): head.fc1\n"
            "rule 2 (scope head: INT8): head.fc2\n"
            "rule 3 (name head.fc1, type nn.Linear: floating point):\n"
            "policy first_and_last: body.0.conv\n");
}

TEST(Policy, GivesReadersOfTwoPrecisionsAStubEach) {
  const GraphModule two =
      transform(
          testing::parse_network("graph(%x: f32[2, 64]) {\n  %a = nn.Linear @a(%x) {in_features=64, out_features=64}\n"
                                 "  %b = nn.Linear @b(%x) {in_features=64, out_features=64}\n"
                                 "  return a=%a, b=%b\n}\n"))
          .model;
  const StubPlan plan = plan_stubs(two, recipe(rules({rule(R"({"name": "b"})", R"("fp8")")})));
  ASSERT_EQ(plan.stubs.size(), 2U);
  EXPECT_EQ(plan.stubs[0].tensor, plan.stubs[1].tensor);
  EXPECT_EQ(plan.stubs[0].precision, Precision::kInt8);
  EXPECT_EQ(plan.stubs[1].precision, Precision::kFp8);
  EXPECT_EQ(plan.stubs[1].reason, "FusedLinear reads FP8 (rule W1)");
  PlanFile file;
  file.stubs = plan;
  const StubPlan read = *parse_plan(plan_text(file)).stubs;
  EXPECT_EQ(read.text(), plan.text());
  EXPECT_EQ(read.stubs[1].precision, Precision::kFp8);
  EXPECT_EQ(read.weights[1].precision, Precision::kFp8);
}

TEST(Policy, IsRefusedWhereItFitsNothingOrMeansNothing) {
  EXPECT_EQ(
      refusal(rules({rule(R"({"name": "tail.*"})", R"("float")"), rule(R"({"type": "nn.Linear"})", R"("float")")})),
      "config.policy: rule 1 (name tail.*: floating point) fits no module of this network");
  EXPECT_EQ(refusal(rules({rule(R"({"scope": "bod"})", R"("float")"), rule(R"({"name": "x"})", R"("fp8")")})),
            "config.policy: rule 1 (scope bod: floating point), rule 2 (name x: FP8) fit no module of this network");
  EXPECT_EQ(refusal(rules({rule("{}", R"("float")")})),
            "config.value: \"match\" asks for nothing; one of name, type and scope is needed");
  EXPECT_EQ(refusal(R"({"rules": [{"precision": "float"}]})"),
            "config.value: \"match\" is missing: an object of name, type and scope");
  EXPECT_EQ(refusal(R"({"rules": [{"match": {"name": "*"}}]})"),
            "config.value: \"precision\" is missing: float, int8, fp8, int16, or an object of weight and activation");
  EXPECT_EQ(refusal(rules({rule(R"({"kind": "x"})", R"("float")")})), "config.key: \"match\" has no key \"kind\"");
  EXPECT_EQ(refusal(rules({rule(R"({"name": "*"})", R"("half")")})),
            "config.value: \"precision\" is \"half\"; int8, fp8, int4 and int16 are supported");
  EXPECT_EQ(refusal(rules({rule(R"({"name": "*"})", R"("int4")")})),
            R"(config.value: "precision" is "int4"; weights of it are {"weight": "int4", "block_size": 128})");
  EXPECT_EQ(
      refusal(rules({rule(R"({"name": "*"})", R"({"weight": "int8"})")})),
      "config.value: \"activation\" is float and the other is not; layers are quantized on both sides, or weights "
      "in blocks (rule W1)");
  EXPECT_EQ(refusal(rules({rule(R"({"name": "*"})", R"({"weight": "int4", "block_size": 64, "activation": "int8"})")})),
            "config.value: \"activation\" is quantized; weights in blocks are read by floats (rule Q1)");
  EXPECT_EQ(refusal(rules({rule(R"({"type": "nn.Linear"})", R"({"weight": "int8", "activation": "fp8"})")})),
            "config.export: rule 1 (type nn.Linear: INT8 weights, FP8 activations): weight and activation of a product "
            "are quantized to one type, or both are not (rule W1)");
  EXPECT_EQ(refusal(R"({"depthwise": "fp8"})"), "config.value: \"depthwise\" is neither int8 nor float");
}

TEST(EditedPlan, CannotPutWeightsInBlocksThatDoNotFit) {
  const auto refused = [](size_t weight, int64_t size) {
    const GraphModule network = module();
    StubPlan plan = plan_stubs(network, {});
    plan.weights[weight].precision = Precision::kInt4;
    plan.weights[weight].block_size = size;
    try {
      check_stub_plan(network, plan);
    } catch (const Error& error) {
      return cat(error.code(), ": ", error.message());
    }
    return std::string("nothing was refused");
  };
  EXPECT_EQ(refused(0, 64), "plan.weight: body.0.conv: only linear layers have weights in blocks (rule Q1)");
  EXPECT_EQ(refused(3, 128),
            "plan.weight: head.fc1: its 128 input channels are a single block, which takes a kernel of "
            "its own (rule Q1)");
  EXPECT_EQ(refused(3, 64),
            "plan.weight: head.fc1: a weight in blocks is multiplied in floating point, and its input is "
            "quantized (rule Q1)");
}

}  // namespace
}  // namespace graftwork::core
