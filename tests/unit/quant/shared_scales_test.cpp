// Stubs of a concatenation: who shares a scale.
#include "graftwork/quant/shared_scales.h"

#include <gtest/gtest.h>

#include "support/networks.h"

namespace graftwork::core {
namespace {

StubPlan plan_of(std::initializer_list<const char*> tensors) {
  StubPlan plan;
  for (const char* tensor : tensors) {
    PlannedStub stub;
    stub.tensor = tensor;
    stub.scale_group = "cat";
    stub.reason = "reads INT8";
    plan.stubs.push_back(stub);
  }
  return plan;
}

Range range(float amax) { return {0, amax, true}; }

TEST(SharedScales, StayWhereTheyCostLessThanTwoBits) {
  StubPlan plan = plan_of({"a", "cat"});
  split_scale_groups(plan, {{"a", range(1)}, {"cat", range(4)}});
  EXPECT_EQ(plan.stubs[0].scale_group, Symbol("cat"));
  EXPECT_EQ(plan.stubs[0].reason, "reads INT8");
}

TEST(SharedScales, AreLeftByAMuchSmallerBranch) {
  StubPlan plan = plan_of({"a", "b", "cat"});
  split_scale_groups(plan, {{"a", range(1)}, {"b", range(60)}, {"cat", range(64)}});
  EXPECT_EQ(plan.stubs[0].scale_group, Symbol());
  EXPECT_EQ(plan.stubs[0].reason, "reads INT8; apart from the scale around %cat, which would take 6.0 of its bits");
  EXPECT_EQ(plan.stubs[1].scale_group, Symbol("cat"));
  EXPECT_EQ(plan.stubs[2].scale_group, Symbol("cat"));
}

TEST(SharedScales, AreSharedAmongSmallBranchesToo) {
  StubPlan plan = plan_of({"a", "b", "cat"});
  split_scale_groups(plan, {{"a", range(1)}, {"b", range(2)}, {"cat", range(64)}});
  EXPECT_EQ(plan.stubs[0].scale_group, Symbol("b"));
  EXPECT_EQ(plan.stubs[1].scale_group, Symbol("b"));
  EXPECT_EQ(plan.stubs[2].scale_group, Symbol()) << "who is alone shares with nobody";
}

TEST(SharedScales, AreWarnedOfWhereAnInputKeepsFewBits) {
  const GraphModule module = testing::parse_network(
      "graph(%a: f32[1, 2], %b: f32[1, 2]) {\n  %cat = aten.cat.default(%a, %b) {dim=1}\n  return %cat\n}\n");
  StubPlan plan = plan_of({"cat"});
  plan.stubs[0].readers = {{"FusedLinear_0", 0}};
  EXPECT_EQ(joined_values(module, plan), (std::vector<Symbol>{"a", "b"}));
  EXPECT_TRUE(coarse_concatenations(module, plan, {{"a", range(4)}, {"b", range(60)}, {"cat", range(60)}}).empty());
  const std::vector<std::string> lines =
      coarse_concatenations(module, plan, {{"a", range(1)}, {"b", range(64)}, {"cat", range(64)}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0],
            "%cat joins %a, which ends at 1, with values to 64: one scale leaves it 2.0 of 8 bits; try skipping "
            "FusedLinear_0 in the recipe");
}

}  // namespace
}  // namespace graftwork::core
