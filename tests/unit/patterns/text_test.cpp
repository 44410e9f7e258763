// Patterns as text: what each construct finds, and what each graft makes.
#include <gtest/gtest.h>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/text/parse.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/rewrite/rewriter.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

GraphModule network(const std::string& statements, const std::string& inputs = "%x: f32[1, 4, 8, 8]") {
  return testing::parse_network("graph(" + inputs + ") {\n" + statements + "\n}\n");
}

/// The body of one conversion, run once.
struct Ran {
  Ran(GraphModule before, const std::string& body)
      : module(std::move(before)),
        report(Rewriter(parse_patterns("conversion P {" + body + "}", "test.gpat", tensorrt_backend().kinds))
                   .run_once(module)) {
    verify(module);
  }
  size_t count() const { return report.applied.size(); }
  std::string reason() const { return report.skipped.empty() ? "" : report.skipped[0].reason; }
  /// The lines between the first and the last.
  std::string body() const {
    const std::string text = print(module);
    const size_t first = text.find('\n') + 1;
    return text.substr(first, text.rfind('}') - first);
  }
  GraphModule module;
  Report report;
};

/// Whether the conditions hold of one convolution and what it reads.
class Conditions : public ::testing::Test {
 protected:
  static std::string outcome(const std::string& where, const std::string& inputs = "%x: f32[s0, 4, 8, s1]") {
    const Ran ran(
        network(
            "  %c = nn.Conv2d @conv(%x) {in_channels=4, out_channels=4, kernel_size=[3, 1], padding=[1, 0], "
            "groups=2, bias=none}\n  %k = nn.LeakyReLU @act(%c)\n  %z = aten.mul.Scalar(%k) {other=2.5}\n  return %z",
            inputs),
        "%c = nn.Conv2d(%x) %k = nn.LeakyReLU(%c) %z = aten.mul.Scalar(%k) where " + where + " => %z = %k(%x)");
    return ran.count() == 1 ? "holds" : ran.reason();
  }
  static bool holds(const std::string& where) { return outcome(where) == "holds"; }
};

TEST_F(Conditions, CompareAttributes) {
  EXPECT_TRUE(holds("%c.kernel_size == [3, 1] and %c.groups != 1 and %c.groups < 3 and %c.groups <= 2"));
  EXPECT_TRUE(holds("%c.groups > 1 and %c.groups >= 2 and %c.groups in [1, 2, 4] and %c.kernel_size[0] == 3"));
  EXPECT_TRUE(holds("%c.kernel_size in [[1, 3], [3, 1]] and %c.kernel_size[-1] == 1"));
  EXPECT_FALSE(holds("%c.kernel_size == [1, 3]"));
  EXPECT_FALSE(holds("%c.groups in [1, 4]"));
  EXPECT_TRUE(holds("%c.stride == [1, 1] and %c.dilation == [1, 1]")) << "the default counts";
  EXPECT_TRUE(holds("other == 2.5 and %z.attr.other > 2"));
  EXPECT_TRUE(holds("%k.negative_slope < 0.02 and %k.negative_slope * 100 == 1.0"));
  EXPECT_TRUE(holds("%z.alpha == none and %z.other != none"));
  EXPECT_FALSE(holds("%z.alpha == 1"));
}

TEST_F(Conditions, AskForTypes) {
  EXPECT_TRUE(holds("%x.rank == 4 and %x.dtype == f32 and %x.dtype in [f16, f32]"));
  EXPECT_FALSE(holds("%x.dtype == f16"));
  EXPECT_TRUE(holds("%x.shape[1] % 4 == 0 and %x.shape[-2] / 3 == 2 and %x.shape[1] + 2 * 2 == 8"));
  EXPECT_TRUE(holds("%c.type == %x.type and %c.shape == %x.shape"));
}

TEST_F(Conditions, HoldOnlyWhereTheyAreCertain) {
  EXPECT_TRUE(holds("%x.shape[0] == %c.shape[0]")) << "one symbol";
  EXPECT_FALSE(holds("%x.shape[0] == %x.shape[3]")) << "two symbols may be equal";
  EXPECT_FALSE(holds("%x.shape[0] != %x.shape[3]")) << "and may differ";
  EXPECT_FALSE(holds("%x.shape[0] == 1"));
  EXPECT_FALSE(holds("%x.shape[0] != 1"));
  EXPECT_FALSE(holds("not (%x.shape[0] == 1)"));
  EXPECT_TRUE(holds("%x.shape[0] == 1 or %x.rank == 4"));
  EXPECT_TRUE(holds("%x.shape[0] + 1 != %c.shape[0]")) << "whatever the symbol is";
  EXPECT_TRUE(holds("%x.shape[0] + 1 > %c.shape[0] and 2 * %x.shape[0] - %c.shape[0] == %x.shape[0]"));
  EXPECT_TRUE(holds("(4 * %x.shape[0]) % 2 == 0"));
  EXPECT_FALSE(holds("%x.shape[9] == 1"));
  EXPECT_FALSE(holds("%x.shape[0] / 0 == 1"));
  EXPECT_FALSE(holds("9223372036854775807 * %x.shape[1] > 1")) << "beyond 64 bits";
}

TEST_F(Conditions, AskForReadersOperatorsAndModules) {
  EXPECT_TRUE(holds("%c.users == 1 and %c.op == \"nn.Conv2d\" and %c.module == \"conv\" and %x.op != \"constant\""));
  EXPECT_FALSE(holds("%c.users > 1"));
  EXPECT_TRUE(holds("%c.module != %k.module and %c != %k and %x == %x"));
  EXPECT_FALSE(holds("%c == %k"));
}

TEST_F(Conditions, AndBindsTighterThanOr) {
  EXPECT_TRUE(holds("%x.rank == 4 or %x.rank == 3 and %x.rank == 2"));
  EXPECT_FALSE(holds("(%x.rank == 4 or %x.rank == 3) and %x.rank == 2"));
  EXPECT_TRUE(holds("not %x.rank == 3 and not (%x.rank == 4 and %x.rank == 5)"));
}

TEST_F(Conditions, SayWhatFailed) {
  EXPECT_EQ(outcome("%c.groups == 1"), "%c: %c.groups == 1 does not hold");
  EXPECT_EQ(outcome("%c.groups == 2 and %c.kernel_size == [1, 1]"), "%c: %c.kernel_size == [1, 1] does not hold");
  EXPECT_EQ(outcome("other == 3"), "%z: its other is not 3");
  EXPECT_EQ(outcome("%c.groups == 1 \"it is grouped\""), "%c: it is grouped");
  EXPECT_EQ(outcome("%x.shape[0] == %x.shape[3] or (%c.groups - 1) * 2 < 1"),
            "%z: (%x.shape[0] == %x.shape[3]) or ((%c.groups - 1) * 2 < 1) does not hold");
}

TEST(Text, AFileHoldsPatternsOfAllSections) {
  const std::string text =
      "// two sets\nlet small = nn.ReLU | nn.ReLU6\nlet act = small | nn.SiLU\n"
      "fusion A { %c = nn.Conv2d(%x) %a = act(%c) => %a = FusedConvBNAct(%x) [conv=%c, act=%a] }\n"
      "conversion B { %y = nn.Dropout(%x) => %x }\n"
      "recomposition C { %y = aten.relu.default(%x) => %y = nn.ReLU(%x) }\n"
      "conversion D { %y = nn.Identity(%x) => %x }\n";
  const PatternSections sections = parse_pattern_sections(text, "three.gpat", tensorrt_backend().kinds);
  ASSERT_EQ(sections.fusions.size(), 1u);
  ASSERT_EQ(sections.conversions.size(), 2u);
  ASSERT_EQ(sections.recompositions.size(), 1u);
  EXPECT_EQ(sections.conversions[1]->name(), "D");
  const PatternList all = parse_patterns(text, "three.gpat", tensorrt_backend().kinds);
  std::string names;
  for (const auto& pattern : all) names += pattern->name();
  EXPECT_EQ(names, "ABCD");
  GraphModule module = network(
      "  %c = nn.Conv2d @c(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n  %a = nn.SiLU @a(%c)\n  return "
      "%a");
  EXPECT_EQ(Rewriter(sections.fusions).run_once(module).applied.size(), 1u);
}

TEST(Text, AChainIsCalledAgainOnAnotherValue) {
  const Ran ran(network("  %a = nn.Flatten @f(%x)\n  %b = nn.ReLU @r(%a)\n  %c = nn.Dropout @d(%b)\n  %y = nn.Identity "
                        "@i(%c)\n  return %y"),
                "%f = nn.Flatten(%x) %m = nn.ReLU | nn.Dropout(%f)+ %y = nn.Identity(%m) => %n = %m(%x) %y = %f(%n)");
  EXPECT_EQ(ran.count(), 1u) << ran.reason();
  EXPECT_EQ(ran.body(), "  %r = nn.ReLU @r(%x)\n  %d = nn.Dropout @d(%r)\n  %y = nn.Flatten @f(%d)\n  return %y\n");
}

TEST(Text, QuantifiersCountNodes) {
  const auto length = [](const std::string& quantifier) {
    const Ran ran(network("  %a = nn.ReLU @a(%x)\n  %b = nn.ReLU @b(%a)\n  %c = nn.ReLU @c(%b)\n  %y = nn.Identity "
                          "@i(%c)\n  return %y"),
                  "%r = nn.ReLU(%x)" + quantifier + " %y = nn.Identity(%r) => %y = %r(%x)");
    return ran.count() == 0 ? "none" : std::to_string(ran.report.applied[0].replaced.size() - 1);
  };
  EXPECT_EQ(length("*"), "3");
  EXPECT_EQ(length("+"), "3");
  EXPECT_EQ(length("{1,2}"), "2");
  EXPECT_EQ(length("{4,9}"), "none");
  EXPECT_EQ(length("?"), "1");
  EXPECT_EQ(length(""), "1");
}

TEST(Text, AnyStandsForWhateverIsBetween) {
  const std::string block =
      "  %c = nn.Conv2d @c(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n  %n = aten.neg.default(%c)\n"
      "  %r = nn.ReLU @r(%n)\n  %s = aten.add.Tensor(%r, %x)\n  return %s";
  const std::string body = "%t = any(%x)QUANTIFIER %s = aten.add.Tensor(%t, %x) commutes => %s = %t(%x)";
  const auto applied = [&](const std::string& quantifier) {
    return Ran(network(block), std::string(body).replace(body.find("QUANTIFIER"), 10, quantifier)).count();
  };
  EXPECT_EQ(applied("+"), 1u);
  EXPECT_EQ(applied("*"), 1u);
  EXPECT_EQ(applied("{3,3}"), 1u);
  EXPECT_EQ(applied("{1,2}"), 0u);
  EXPECT_EQ(applied("?"), 0u);
  EXPECT_EQ(applied(""), 0u);
  const Ran ran(network(block), "%t = any(%x)+ %s = aten.add.Tensor(%t, %x) commutes => %s = %t(%x)");
  EXPECT_EQ(ran.body(),
            "  %c = nn.Conv2d @c(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
            "  %neg = aten.neg.default(%c)\n  %s = nn.ReLU @r(%neg)\n  return %s\n");
}

TEST(Text, AForkIsANameThatStandsTwice) {
  const std::string body = "%a = nn.ReLU(%x) %y = aten.mul.Tensor(%a, %a) => %y = aten.neg.default(%x)";
  EXPECT_EQ(Ran(network("  %a = nn.ReLU @a(%x)\n  %y = aten.mul.Tensor(%a, %a)\n  return %y"), body).count(), 1u);
  EXPECT_EQ(
      Ran(network("  %a = nn.ReLU @a(%x)\n  %b = nn.ReLU @a(%x)\n  %y = aten.mul.Tensor(%a, %b)\n  return %y"), body)
          .count(),
      0u);
  const std::string gate = "%g = nn.Sigmoid(%x) %y = aten.mul.Tensor(%g, %x) commutes => %y = nn.SiLU @silu(%x)";
  const Ran ran(network("  %a = nn.Sigmoid @g(%x)\n  %y = aten.mul.Tensor(%x, %a)\n  return %y"), gate);
  EXPECT_EQ(ran.body(), "  %y = nn.SiLU @silu(%x)\n  return %y\n");
}

TEST(Text, AnonymousWildcardsAreDifferentValues) {
  const std::string body = "%y = aten.add.Tensor(%_, %_) => %y = nn.Identity(%y2)";
  EXPECT_THROW(Ran(network("  return %x"), body), Error);
  const Ran ran(network("  %a = nn.ReLU @a(%x)\n  %y = aten.add.Tensor(%a, %x)\n  %z = nn.Tanh @t(%y)\n  return %z"),
                "%a = aten.add.Tensor(%_, %_) may_escape %z = nn.Tanh(%a) => %z = nn.Sigmoid(%a)");
  EXPECT_EQ(ran.count(), 1u) << ran.reason();
}

TEST(Text, AValueThatMayEscapeStays) {
  const std::string net = "  %a = nn.ReLU @a(%x)\n  %b = nn.Tanh @b(%a)\n  %c = nn.Sigmoid @c(%a)\n  return %b, %c";
  EXPECT_EQ(Ran(network(net), "%a = nn.ReLU(%x) %b = nn.Tanh(%a) => %b = nn.SiLU(%x)").reason(),
            "%a is used outside the match, by %c");
  EXPECT_EQ(Ran(network(net), "%a = nn.ReLU(%x) may_escape %b = nn.Tanh(%a) => %b = nn.SiLU @s(%x)").body(),
            "  %a = nn.ReLU @a(%x)\n  %b = nn.SiLU @s(%x)\n  %c = nn.Sigmoid @c(%a)\n  return %b, %c\n");
}

TEST(Text, AValueThatMayEscapeCanBeReplacedToo) {
  const Ran ran(network("  %a = nn.ReLU @a(%x)\n  %b = nn.Tanh @b(%a)\n  %c = nn.Sigmoid @c(%a)\n  return %b, %c"),
                "%a = nn.ReLU(%x) may_escape %b = nn.Tanh(%a) => %a = nn.ReLU6 @six(%x) %b = nn.Tanh(%a)");
  EXPECT_EQ(ran.body(), "  %a = nn.ReLU6 @six(%x)\n  %b = nn.Tanh @b(%a)\n  %c = nn.Sigmoid @c(%a)\n  return %b, %c\n");
}

TEST(Text, FurtherInputsNeedNoNames) {
  const std::string net = "  %y: f32[1, 4, 8, 8] = my.op.three(%x, %x, %x)\n  return %y";
  EXPECT_EQ(Ran(network(net), "%y = my.op.three(%x) => %x").count(), 0u);
  EXPECT_EQ(Ran(network(net), "%y = my.op.three(%x, ...) => %x").count(), 1u);
}

TEST(Text, ConstantsBecomeParameters) {
  const Ran ran(testing::parse_network(
                    "graph(%x: f32[2, 3]) {\n  %w = constant @fc.weight: f32[3, 5]\n  %b = constant @fc.bias: f32[5]\n"
                    "  %y: f32[2, 5] = aten.addmm.default(%b, %x, %w)\n  return %y\n}\n"),
                "%w = constant where %w.rank == 2 %b = constant %y = aten.addmm.default(%b, %x, %w) => %y = nn.Linear "
                "@fc(%x) {in_features=%w.shape[0], out_features=%w.shape[1], weight=permute(%w, [1, 0]), bias=%b}");
  EXPECT_EQ(ran.count(), 1u) << ran.reason();
  EXPECT_EQ(ran.body(),
            "  %y = nn.Linear @fc(%x) {in_features=3, out_features=5, weight=permute(@fc.weight: f32[3, 5], [1, 0])}\n"
            "  return %y\n");
}

TEST(Text, ParametersAreViewedSlicedJoinedAndMultiplied) {
  // Two linear layers on one value become one, and its halves are read again: several roots.
  const Ran ran(
      network("  %q = nn.Linear @a(%x) {in_features=3, out_features=4}\n  %k = nn.Linear @b(%x) {in_features=3, "
              "out_features=4}\n  return %q, %k",
              "%x: f32[2, 3]"),
      "%q = nn.Linear(%x) %k = nn.Linear(%x) where %q.out_features == %k.out_features => %both = nn.Linear @both(%x) "
      "{in_features=%q.in_features, out_features=%q.out_features + %k.out_features, weight=concat([%q.weight, "
      "multiply(%k.weight, slice(view(%k.bias, [4, 1]), 0, 0, 4))], 0), bias=concat([%q.bias, %k.bias], 0)} "
      "%q = aten.slice.Tensor(%both) {dim=1, start=0, end=4} %k = aten.slice.Tensor(%both) {dim=1, start=4, end=8}");
  EXPECT_EQ(ran.count(), 1u) << ran.reason();
  const std::string text = ran.body();
  EXPECT_NE(text.find("nn.Linear @both(%x) {in_features=3, out_features=8, weight=concat([@a.weight: f32[4, 3], "
                      "multiply(@b.weight: f32[4, 3], slice(view(@b.bias: f32[4], [4, 1]), 0, 0, 4))], 0), "
                      "bias=concat([@a.bias: f32[4], @b.bias: f32[4]], 0)}"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("@a("), std::string::npos) << "both layers are gone\n" << text;
  EXPECT_NE(text.find("%q = aten.slice.Tensor(%both) {dim=1, end=4, start=0}"), std::string::npos) << text;
}

TEST(Text, AParameterThatIsAbsentStaysAbsent) {
  const Ran ran(
      network("  %y = nn.Linear @fc(%x) {in_features=3, out_features=4, bias=none}\n  return %y", "%x: f32[2, 3]"),
      "%y = nn.Linear(%x) where users == 1 => %y = nn.Linear @again(%x) {in_features=%y.in_features, out_features=4, "
      "weight=%y.weight, bias=view(%y.bias, [4])}");
  EXPECT_EQ(ran.body(),
            "  %y = nn.Linear @again(%x) {in_features=3, out_features=4, weight=@fc.weight: f32[4, 3], bias=none}\n"
            "  return %y\n");
}

TEST(Text, WhatCannotBeMadeIsDeclinedWithAReason) {
  const std::string net = "  %y = nn.Linear @fc(%x) {in_features=3, out_features=4}\n  return %y";
  const auto reason = [&](const std::string& graft) {
    return Ran(network(net, "%x: f32[s0, 3]"), "%y = nn.Linear(%x) => %y = nn.Linear @again(%x) " + graft).reason();
  };
  EXPECT_EQ(reason("{in_features=3, out_features=%x.shape[0], weight=%y.weight}"),
            "%x.shape[0] is s0, known at run time only");
  EXPECT_EQ(reason("{in_features=3, out_features=4, weight=view(%y.weight, [5, 5])}"),
            "cannot view f32[4, 3] as f32[5, 5]");
  EXPECT_EQ(reason("{in_features=3, out_features=%y.out_features - 4, weight=%y.weight}"),
            "nn.Linear @again takes an integer of at least 1 as out_features, not 0");
  EXPECT_EQ(reason("{in_features=3, out_features=5, weight=%y.weight}"),
            "the result would be f32[s0, 5] instead of f32[s0, 4]");
  EXPECT_EQ(reason("{in_features=3, out_features=4, weight=slice(%y.weight, 7, 0, 1)}"), "axis 7 is outside f32[4, 3]");
}

TEST(Text, ADeclinedGraftLeavesTheNetworkAlone) {
  const GraphModule before =
      network("  %y = nn.Linear @fc(%x) {in_features=3, out_features=4}\n  return %y", "%x: f32[2, 3]");
  const Ran ran(before.clone(),
                "%y = nn.Linear(%x) => %a = nn.ReLU @r(%x) %y = nn.Linear @z(%a) {in_features=9, out_features=4, "
                "weight=%y.weight}");
  EXPECT_EQ(ran.count(), 0u);
  EXPECT_EQ(print(ran.module), print(before));
}

TEST(Text, ANodeThatNobodyReadsIsErased) {
  const Ran ran(network("  %a = nn.ReLU @a(%x)\n  %check = my.checks.shape(%a)\n  return %x"),
                "%c = my.checks.shape(%_) => erase %c");
  EXPECT_EQ(ran.body(), "  return %x\n");
}

TEST(Text, ConditionsOnAnOptionalPartAreAskedWhereItIs) {
  const auto applied = [](const std::string& bn) {
    return Ran(network("  %c = nn.Conv2d @c(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n" + bn +
                       "  %a = nn.ReLU @a(%" + (bn.empty() ? "c" : "b") + ")\n  return %a"),
               "%c = nn.Conv2d(%x) %b = nn.BatchNorm2d(%c)? where eps < 1e-4 where %b.num_features == "
               "%c.in_channels %a = nn.ReLU(%b) => %a = nn.Identity(%x)")
        .count();
  };
  EXPECT_EQ(applied(""), 1u);
  EXPECT_EQ(applied("  %b = nn.BatchNorm2d @b(%c) {num_features=4}\n"), 1u);
  EXPECT_EQ(applied("  %b = nn.BatchNorm2d @b(%c) {num_features=4, eps=0.1}\n"), 0u);
}

TEST(Text, FusionsGetTheStubsOfTheirKind) {
  GraphModule module = network(
      "  %c = nn.Conv2d @c(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1], groups=4}\n  %y = nn.Conv2d "
      "@d(%c) {in_channels=4, out_channels=6, kernel_size=[1, 1], groups=2}\n  return %y");
  Rewriter(parse_patterns("fusion F { %c = nn.Conv2d(%x) => %c = FusedConvBN(%x) [conv=%c] }", "f.gpat",
                          tensorrt_backend().kinds))
      .run_once(module);
  const std::string text = print(module);
  EXPECT_NE(text.find("FusedConvBN @FusedConvBN_0(%x) {stubs=[0]} [conv="), std::string::npos) << text;
  EXPECT_NE(text.find("FusedConvBN @FusedConvBN_1(%fused_conv_bn_0) [conv="), std::string::npos)
      << "no INT8 kernel, no stubs\n"
      << text;
}

TEST(Text, AUsersPatternWinsTies) {
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "mine.gpat";
  write_file(file, "fusion Mine { %y = nn.Linear(%x) => %y = FusedLinear(%x) [linear=%y] }\n");
  const PatternSections lists = with_patterns({file}, active_patterns());
  EXPECT_EQ(lists.fusions.size(), tensorrt_fusions().size() + 1);
  const GraphModule module = network("  %y = nn.Linear @fc(%x) {in_features=8, out_features=4}\n  return %y");
  EXPECT_EQ(transform(module, lists).report.counts(), (std::map<std::string, size_t>{{"Mine", 1}}));
  std::string code;
  try {
    with_patterns({file, file}, active_patterns());
  } catch (const Error& error) {
    code = error.code();
  }
  EXPECT_EQ(code, "patterns.name");
}

TEST(Text, APlanThatNamesAMissingPatternIsRefused) {
  const GraphModule module = network("  %y = nn.Linear @fc(%x) {in_features=8, out_features=4}\n  return %y");
  PatternSections lists = active_patterns();
  const PatternList mine = parse_patterns("fusion Mine { %y = nn.Linear(%x) => %y = FusedLinear(%x) [linear=%y] }",
                                          "mine.gpat", tensorrt_backend().kinds);
  lists.fusions.insert(lists.fusions.begin(), mine.begin(), mine.end());
  const TransformationPlan plan = get_transformation_plan(module, lists);
  EXPECT_EQ(print(apply_transformation_plan(module, plan, lists).model), print(transform(module, lists).model));
  try {
    apply_transformation_plan(module, plan);
    FAIL() << "it was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "plan.pattern");
    EXPECT_EQ(error.message(), "the plan carries out Mine at %y, and no pattern of the fusions has that name");
  }
}

}  // namespace
}  // namespace graftwork::core
