// Plans on disk: written, read, edited, refused.
#include "graftwork/place/plan_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

GraphModule network() {
  return testing::parse_network(
      "graph(%x: f32[2, 3, 4, 4]) {\n"
      "  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=4, kernel_size=[1, 1]}\n"
      "  %r = nn.ReLU @relu(%c)\n"
      "  %d = nn.Conv2d @next(%r) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
      "  %a = aten.add.Tensor(%d, %r)\n"
      "  %y = nn.ReLU @last(%a)\n"
      "  return %y\n}\n");
}

GraphModule transformed() { return transform(network()).model; }

std::string whole_plan() { return plan_text({get_transformation_plan(network()), plan_stubs(transformed(), {})}); }

std::string replaced(std::string text, const std::string& old, const std::string& now) {
  const size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old << " is not in\n" << text;
  return at == std::string::npos ? text : text.replace(at, old.size(), now);
}

/// Code and message of what a plan is refused with, on reading or on checking.
std::string refusal(const std::string& text) {
  try {
    PlanFile plan = parse_plan(text);
    if (plan.stubs) check_stub_plan(transformed(), *plan.stubs);
  } catch (const Error& error) {
    return cat(error.code(), ": ", error.message());
  }
  return "nothing was refused";
}

TEST(PlanFile, IsReadAsItWasWritten) {
  const std::string text = whole_plan();
  EXPECT_EQ(plan_text(parse_plan(text)), text);
  EXPECT_EQ(refusal(text), "nothing was refused");
  const PlanFile neither = parse_plan(plan_text({}));
  EXPECT_FALSE(neither.transformation || neither.stubs);
}

TEST(PlanFile, EscapesWhatNobodySees) {
  const std::string name = "a\u202e\ufeff\U000e0041";
  StubPlan stubs;
  stubs.stubs.push_back({name, "x", {{"m", 0}}, name, {}});
  const std::string text = plan_text({TransformationPlan{"", {{"fusions", {{"P", name, {}, true, {}}}}}}, stubs});
  EXPECT_EQ(visible(text, true), text);
  const PlanFile read = parse_plan(text);
  EXPECT_EQ(read.transformation->rounds[0].matches[0].node, Symbol(name));
  EXPECT_EQ(read.stubs->stubs[0].stub, Symbol(name));
  EXPECT_EQ(read.stubs->stubs[0].reason, name);
}

TEST(PlanFile, SaysOneLineForEachDecisionWhateverNamesHold) {
  const std::string name = "a\nerror[file.missing]: no";
  StubPlan plan;
  plan.stubs.push_back({name, name, {{name, 0}}, name, name});
  plan.missing.push_back({{name, 0}, name, name});
  plan.weights.push_back({name, name, false, name});
  plan.warnings.push_back(name);
  const std::string text = plan.text();
  EXPECT_EQ(std::ranges::count(text, '\n'), 4) << text;
  TransformationPlan transformation{"", {{"fusions", {{"P", name, {name}, true, name}}}}};
  EXPECT_EQ(std::ranges::count(transformation.text(), '\n'), 2);
  Report report;
  report.applied.push_back({"P", name, {name}});
  EXPECT_EQ(std::ranges::count(report.text(), '\n'), 1);
}

TEST(PlanFile, AStubThatIsSwitchedOffIsMissing) {
  const std::string text =
      replaced(whole_plan(), "\"apply\": true,\n    \"readers\"", "\"apply\": false,\n    \"readers\"");
  StubPlan plan = *parse_plan(text).stubs;
  const StubPlan whole = plan_stubs(transformed(), {});
  ASSERT_EQ(plan.stubs.size(), whole.stubs.size() - 1);
  EXPECT_EQ(plan.stubs[0].stub, whole.stubs[1].stub) << "the others keep their names";
  EXPECT_EQ(plan.missing.back().reader.module, whole.stubs[0].readers[0].module);
  EXPECT_EQ(plan.missing.back().reason, "switched off in the plan");
  GraphModule module = transformed();
  check_stub_plan(module, plan);
  EXPECT_EQ(plan.warnings.size(), 1U) << "its weight is still quantized";
  apply_stub_plan(module, plan);
  verify(module);
  EXPECT_EQ(print(module).find("QuantStub @quant_stub_0"), std::string::npos);
  EXPECT_NE(print(module).find("QuantStub @quant_stub_1"), std::string::npos);
}

TEST(PlanFile, IsRefusedWithTheKeyThatIsWrong) {
  const std::string text = whole_plan();
  EXPECT_EQ(refusal("{"), "plan.json: the plan is not JSON");
  EXPECT_EQ(refusal("[]"), "plan.value: \"plan\" is not an object");
  EXPECT_EQ(refusal("{}"), "plan.value: \"format\" is missing in \"plan\"");
  EXPECT_EQ(refusal(R"({"format": 2})"), "plan.value: \"format\" is not 1, the only one there is");
  EXPECT_EQ(refusal(R"({"format": 1, "stub": {}})"), "plan.key: \"plan\" has no key \"stub\"");
  EXPECT_EQ(refusal(replaced(text, "\"apply\": true", "\"apply\": 1")), "plan.value: \"apply\" is not true or false");
  EXPECT_EQ(refusal(replaced(text, "\"phase\": \"fusions\"", "\"phase\": \"last\"")),
            "plan.value: \"phase\" is neither conversions nor fusions");
  EXPECT_EQ(refusal(replaced(text, "\"input\": 0", "\"input\": \"0\"")), "plan.value: \"input\" is not an integer");
  EXPECT_EQ(refusal(replaced(text, "\"rounds\": [", "\"rounds\": 3, \"x\": [")),
            "plan.key: \"transformation\" has no key \"x\"");
}

TEST(PlanFile, IsRefusedWhereItIsAmbiguousOrAbsurd) {
  EXPECT_EQ(refusal(R"({"format": 1, "format": 1})"), "plan.json: the key \"format\" stands twice in an object");
  EXPECT_EQ(refusal(std::string("{\"format\": 1}\0", 14)), "plan.json: the plan is not JSON");
  EXPECT_EQ(refusal(std::string(64, '[') + std::string(64, ']')), "plan.value: \"plan\" is not an object");
  EXPECT_EQ(refusal(std::string(65, '[') + std::string(65, ']')),
            "plan.json: the plan is nested deeper than 64 levels");
  std::string keys;
  for (int i = 0; i < 100'000; ++i) keys += cat(i == 0 ? "" : ",", "\"", i, "\": 0");
  EXPECT_EQ(refusal("{" + keys + "}"), "plan.json: an object of the plan has more than 64 keys");
  EXPECT_EQ(refusal(R"({"format": 18446744073709551615})"), "plan.value: \"format\" does not fit in 64 bits");
}

TEST(PlanFile, IsRefusedWhereItDoesNotFitTheNetwork) {
  const std::string text = plan_text({std::nullopt, plan_stubs(transformed(), {})});
  const std::string graph = cat("\"graph\": \"", fingerprint(transformed()), "\"");
  EXPECT_EQ(refusal(replaced(text, graph, "\"graph\": \"0\"")),
            "plan.graph: the plan of Q/DQ was made for another network, or for other fusions");
  EXPECT_EQ(refusal(replaced(text, "\"tensor\": \"x\"", "\"tensor\": \"w\"")),
            "plan.stub: quant_stub_0 is on %w, which does not exist");
  EXPECT_EQ(refusal(replaced(text, "\"tensor\": \"x\"", "\"tensor\": \"fused_conv_bn_act_0\"")),
            "plan.stub: FusedConvBNAct_0[0] does not read %fused_conv_bn_act_0");
  EXPECT_EQ(refusal(replaced(text, "\"module\": \"FusedConvBNAct_0\"", "\"module\": \"Nothing\"")),
            "plan.stub: quant_stub_0 is read by Nothing[0], which does not exist");
  EXPECT_EQ(refusal(replaced(text, "\"input\": 0", "\"input\": 7")),
            "plan.stub: FusedConvBNAct_0[7] has no INT8 kernel to read quant_stub_0");
  EXPECT_EQ(refusal(replaced(text, "\"name\": \"quant_stub_1\"", "\"name\": \"quant_stub_0\"")),
            "plan.stub: there are two modules quant_stub_0");
  EXPECT_EQ(refusal(replaced(text, "\"layer\": \"conv\"", "\"layer\": \"next\"")),
            "plan.weight: FusedConvBNAct_0 has no layer next");
}

}  // namespace
}  // namespace graftwork::core
