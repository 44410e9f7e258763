// Transformation plans: found without a change, replayed, edited.
#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

/// A convolution with batch norm and activation, a check that goes, and a classifier that becomes a convolution.
GraphModule network(const std::string& input = "x") {
  return testing::parse_network("graph(%" + input +
                                ": f32[2, 3, 4, 4]) {\n"
                                "  %c = nn.Conv2d @conv(%" +
                                input +
                                ") {in_channels=3, out_channels=4, kernel_size=[1, 1]}\n"
                                "  %b = nn.BatchNorm2d @bn(%c) {num_features=4}\n"
                                "  %r = nn.ReLU @relu(%b)\n"
                                "  %i = nn.Identity @id(%r)\n"
                                "  %p = nn.AdaptiveAvgPool2d @pool(%i) {output_size=[1, 1]}\n"
                                "  %f = nn.Flatten @flat(%p)\n"
                                "  %y = nn.Linear @fc(%f) {in_features=4, out_features=5}\n"
                                "  return %y\n}\n");
}

std::string reason_at(const Report& report, Symbol pattern, Symbol node) {
  for (const SkippedMatch& skipped : report.skipped) {
    if (skipped.pattern == pattern && skipped.node == node) return skipped.why();
  }
  return "nothing was skipped there";
}

TEST(TransformationPlan, ListsRoundsOfMatchesAndChangesNothing) {
  const GraphModule module = network();
  const std::string before = print(module);
  const TransformationPlan plan = get_transformation_plan(module);
  EXPECT_EQ(print(module), before);
  EXPECT_EQ(plan.text(),
            "conversions\n"
            "  apply RemoveIdentityPattern %i: %i\n"
            "  apply FlattenLinearToConv1x1Pattern %y: %f, %y\n"
            "fusions\n"
            "  apply ConvBNActPattern %r: %c, %b, %r\n"
            "  apply AdaptiveAvgPoolPattern %p: %p\n"
            "  apply ConvBNPattern %fc.conv1x1: %fc.conv1x1\n"
            "  leave ConvBNPattern %b (ConvBNActPattern takes a node of it)\n"
            "  leave ConvBNPattern %c (ConvBNActPattern takes a node of it)\n");
}

TEST(TransformationPlan, ReplayedAsItIsDoesWhatTransformDoes) {
  const GraphModule module = network();
  const TransformationResult plain = transform(module);
  const TransformationResult replayed = apply_transformation_plan(module, get_transformation_plan(module));
  EXPECT_EQ(print(replayed.model), print(plain.model));
  EXPECT_EQ(replayed.report.counts(), plain.report.counts());
}

TEST(TransformationPlan, AMatchThatIsSwitchedOffGivesWayToTheOneItBeat) {
  const GraphModule module = network();
  TransformationPlan plan = get_transformation_plan(module);
  plan.match("r", "ConvBNActPattern").apply = false;
  const TransformationResult result = apply_transformation_plan(module, plan);
  verify(result.model);
  EXPECT_EQ(result.report.counts(), (std::map<std::string, size_t>{{"AdaptiveAvgPoolPattern", 1},
                                                                   {"ConvBNPattern", 2},
                                                                   {"FlattenLinearToConv1x1Pattern", 1},
                                                                   {"RemoveIdentityPattern", 1}}));
  const std::string text = print(result.model);
  EXPECT_NE(text.find("FusedConvBN @FusedConvBN_0(%x)"), std::string::npos) << text;
  EXPECT_NE(text.find("nn.ReLU @relu(%fused_conv_bn_0)"), std::string::npos) << text;

  for (const Symbol loser : {"b", "c"}) plan.match(loser, "ConvBNPattern").winner = {};
  EXPECT_EQ(apply_transformation_plan(module, plan).report.counts().at("ConvBNPattern"), 1U)
      << "without a winner it is off for good";
}

TEST(TransformationPlan, SaysWhatAnEditMadeImpossibleAndDoesNothingThatItDoesNotList) {
  const GraphModule module = network();
  TransformationPlan plan = get_transformation_plan(module);
  plan.match("y", "FlattenLinearToConv1x1Pattern").apply = false;
  const TransformationResult result = apply_transformation_plan(module, plan);
  verify(result.model);
  EXPECT_EQ(reason_at(result.report, "ConvBNPattern", "fc.conv1x1"), "the plan names it, but it does not match");
  EXPECT_EQ(result.report.counts().count("LinearPattern"), 0U) << "it is in no round of the plan";
  EXPECT_NE(print(result.model).find("%y = nn.Linear @fc(%f)"), std::string::npos);
}

TEST(TransformationPlan, IsForOneNetwork) {
  const TransformationPlan plan = get_transformation_plan(network());
  try {
    apply_transformation_plan(network("z"), plan);
    FAIL() << "was applied to another network";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "plan.graph");
  }
}

TEST(TransformationPlan, NamesTheMatchThatItHasNot) {
  TransformationPlan plan = get_transformation_plan(network());
  EXPECT_THROW(plan.match("r", "LinearPattern"), Error);
}

}  // namespace
}  // namespace graftwork::core
