// What is said of nodes that fused, were left, and went.
#include "graftwork/patterns/explain.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

/// The batch norm of the second convolution has another reader; the last activation is none that fuses.
GraphModule network() {
  return testing::parse_network(
      "graph(%x: f32[2, 4, 8, 8]) {\n"
      "  %c = nn.Conv2d @stem.conv(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
      "  %r = aten.relu.default(%c)\n"
      "  %i = nn.Identity @id(%r)\n"
      "  %d = nn.Conv2d @body.conv(%i) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
      "  %b = nn.BatchNorm2d @body.bn(%d) {num_features=4}\n"
      "  %s = nn.ReLU @body.act(%b)\n"
      "  %t = aten.exp.default(%b)\n"
      "  %y = aten.mul.Tensor(%s, %t)\n"
      "  return %y\n}\n");
}

std::string explained(Symbol name) {
  std::string text;
  for (const Explanation& explanation : explain(network(), name)) text += explanation.text();
  return text;
}

TEST(Explain, FollowsANodeIntoItsKernel) {
  EXPECT_EQ(explained("r"),
            "%r = aten.relu.default\n"
            "  RaiseActivationPattern took %r and made %r\n"
            "  ConvBNActPattern took %c, %r and made %fused_conv_bn_act_0\n"
            "  is a part of %fused_conv_bn_act_0 = FusedConvBNAct, of FusedConvBNAct_0\n");
}

TEST(Explain, NamesWhatWasInTheWay) {
  EXPECT_EQ(explained("s"),
            "%s = nn.ReLU, of body.act\n"
            "  is left as it is: %s = nn.ReLU, of body.act\n"
            "  ConvBNActPattern does not match at %s: %b is used outside the match, by %t\n");
  EXPECT_EQ(explained("body.act"), explained("s")) << "a module is asked for by its path";
}

TEST(Explain, TellsThatANodeIsGone) {
  EXPECT_EQ(explained("i"),
            "%i = nn.Identity, of id\n"
            "  RemoveIdentityPattern took %i\n"
            "  is gone: its readers read %r instead\n");
}

TEST(Explain, KnowsTheNamesOfLaterStages) {
  EXPECT_EQ(explained("fused_conv_bn_act_0"),
            "%fused_conv_bn_act_0 = FusedConvBNAct, of FusedConvBNAct_0\n"
            "  ConvBNActPattern took %c, %r and made %fused_conv_bn_act_0\n"
            "  is one kernel\n");
}

TEST(Explain, AnOperatorThatNoPatternKnowsIsLeftWithoutReasons) {
  EXPECT_EQ(explained("t"), "%t = aten.exp.default\n  is left as it is: %t = aten.exp.default\n");
}

TEST(Explain, SuggestsNamesThatAreLikeAWrongOne) {
  try {
    explained("body");
    FAIL() << "there is no such node";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "explain.node");
    EXPECT_NE(error.report().find("body.conv, body.bn, body.act"), std::string::npos) << error.report();
  }
}

}  // namespace
}  // namespace graftwork::core
