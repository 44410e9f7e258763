// Finding, choosing and carrying out matches: who wins, what is reported, what stays when a pattern fails.
#include "graftwork/rewrite/rewriter.h"

#include <gtest/gtest.h>

#include <functional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "support/networks.h"
#include "support/shuffle.h"

namespace graftwork::core {
namespace {

/// A pattern from its parts.
class TestPattern final : public Pattern {
 public:
  using GraftFunction = std::function<Outcome(const Match&, Graft&)>;
  TestPattern(std::string name, std::vector<Pat> roots, GraftFunction graft)
      : name_(std::move(name)), roots_(std::move(roots)), graft_(std::move(graft)) {}
  std::string_view name() const override { return name_; }
  std::vector<Pat> roots() const override { return roots_; }
  Outcome graft(const Match& match, Graft& graft) const override { return graft_(match, graft); }

 private:
  std::string name_;
  std::vector<Pat> roots_;
  GraftFunction graft_;
};

std::shared_ptr<const Pattern> pattern(std::string name, std::vector<Pat> roots, TestPattern::GraftFunction graft) {
  return std::make_shared<TestPattern>(std::move(name), std::move(roots), std::move(graft));
}

/// A row of unary operators becomes one operator: row("FG", {"f", "g"}) turns g(f(%x)) into FG(%x).
std::shared_ptr<const Pattern> row(const std::string& name, const std::vector<std::string>& ops, bool escapes = false) {
  const Pat x = any();
  Pat last = x;
  for (const std::string& each : ops) {
    last = op(Symbol(each))(last);
    if (escapes && each != ops.back()) last.may_escape();
  }
  return pattern(name, {last}, [=](const Match& match, Graft& graft) {
    return graft.replace(match[last],
                         graft.call_function("aten.to.dtype", {&match[x]}, {{"dtype", DType::kF32}, {"as", name}}));
  });
}

std::string statement(const std::string& text) { return "  " + text + "\n"; }

/// Operators whose type is written down once: `f` stands for `%name: f32[2] = f(...)`.
GraphModule network(const std::vector<std::string>& statements, const std::string& results) {
  std::string text = "graph(%x: f32[2]) {\n";
  for (const std::string& each : statements) {
    const size_t equals = each.find(" = ");
    text += statement(each.substr(0, equals) + ": f32[2]" + each.substr(equals));
  }
  return testing::parse_network(text + statement("return " + results) + "}\n");
}

/// What became of each node, in graph order: "FG(x)", or the operator's own name.
std::string summary(const GraphModule& module) {
  std::string text;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() != NodeKind::kCallFunction) continue;
    const Attribute* as = node.attrs().find("as");
    text += as ? *as->get<std::string>() : node.op().str();
    for (const Use& use : node.inputs()) text += cat(" ", use.producer()->name().str());
    text += "; ";
  }
  return text;
}

std::string skips(const Report& report) {
  std::string text;
  for (const SkippedMatch& miss : report.skipped)
    text += cat(miss.pattern.str(), " %", miss.node.str(), ": ", miss.why(), "\n");
  return text;
}

TEST(Rewriter, CarriesOutEveryMatch) {
  GraphModule module = network({"%a = f(%x)", "%b = g(%a)", "%c = f(%b)", "%d = g(%c)"}, "%d");
  const Report report = Rewriter({row("FG", {"f", "g"})}).run_once(module);
  verify(module);
  EXPECT_EQ(summary(module), "FG x; FG b; ");
  EXPECT_EQ(report.counts(), (std::map<std::string, size_t>{{"FG", 2}}));
  EXPECT_EQ(report.text(), "FG  %a, %b → %b\nFG  %c, %d → %d\n");
}

TEST(Rewriter, OneRoundDoesNotMatchWhatItMade) {
  const Pat x = any(), a = op("f")(x);
  const auto again = pattern("Again", {a}, [=](const Match& match, Graft& graft) {
    return graft.replace(match[a], graft.call_function("aten.neg.default", {&match[x]}, {}));
  });
  const Pat y = any(), n = op("aten.neg.default")(y);
  const auto more = pattern("More", {n}, [=](const Match& match, Graft& graft) {
    return graft.replace(match[n], graft.call_function("aten.abs.default", {&match[y]}, {}));
  });
  GraphModule module = network({"%a = f(%x)"}, "%a");
  Rewriter({again, more}).run_once(module);
  EXPECT_EQ(summary(module), "aten.neg.default x; ");
  module = network({"%a = f(%x)"}, "%a");
  Rewriter({again, more}).run_to_fixpoint(module);
  EXPECT_EQ(summary(module), "aten.abs.default x; ");
}

TEST(Rewriter, TheLongerMatchWins) {
  GraphModule module = network({"%a = f(%x)", "%b = g(%a)", "%c = h(%b)"}, "%c");
  const Report report =
      Rewriter({row("FG", {"f", "g"}), row("GH", {"g", "h"}), row("FGH", {"f", "g", "h"})}).run_once(module);
  EXPECT_EQ(summary(module), "FGH x; ");
  ASSERT_EQ(report.skipped.size(), 2u);
  for (const SkippedMatch& miss : report.skipped) EXPECT_EQ(miss.winner, Symbol("FGH"));
  EXPECT_EQ(report.text(), "FGH  %a, %b, %c → %c\n") << "losers are left out";
}

TEST(Rewriter, OfEqualLengthTheEarlierPatternWins) {
  for (const bool first : {true, false}) {
    GraphModule module = network({"%a = f(%x)", "%b = g(%a)", "%c = h(%b)"}, "%c");
    PatternList list{row("FG", {"f", "g"}), row("GH", {"g", "h"})};
    if (!first) std::swap(list[0], list[1]);
    const Report report = Rewriter(list).run_once(module);
    EXPECT_EQ(summary(module), first ? "FG x; h b; " : "f x; GH a; ");
    EXPECT_EQ(skips(report), first ? "GH %c: %b belongs to a match of FG\n" : "FG %b: %b belongs to a match of GH\n");
  }
}

TEST(Rewriter, OfOnePatternTheEarlierRootInCanonicalOrderWins) {
  // Both matches want %a; module paths decide, not the order of statements.
  const auto text = [](const std::string& first, const std::string& second) {
    return "graph(%x: f32[2, 4]) {\n  %a = nn.Sigmoid @s(%x)\n" + first + second + "  return %p, %q\n}\n";
  };
  const std::string p = "  %p = nn.ReLU @2(%a)\n", q = "  %q = nn.ReLU @1(%a)\n";
  for (const std::string& each : {text(p, q), text(q, p)}) {
    GraphModule module = testing::parse_network(each);
    const Pat x = any(), a = op("nn.Sigmoid")(x).may_escape(), r = op("nn.ReLU")(a);
    const auto fuse = pattern("Both", {r}, [=](const Match& match, Graft& graft) {
      return graft.replace(match[r], graft.call_function("aten.neg.default", {&match[x]}, {}));
    });
    const Report report = Rewriter({fuse}).run_once(module);
    ASSERT_EQ(report.applied.size(), 1u);
    EXPECT_EQ(report.applied[0].result, Symbol("q"));
    EXPECT_EQ(skips(report), "Both %p: %a belongs to a match of Both\n");
  }
}

TEST(Rewriter, ALoserIsTriedAgainAroundTheWinner) {
  // The sum prefers its deeper branch %d, which the longer match takes; the other branch %b is left.
  GraphModule module =
      network({"%a = e(%x)", "%b = f(%x)", "%c = e(%x)", "%d = f(%c)", "%s = add(%b, %d)", "%g = g(%d)", "%h = h(%g)"},
              "%s, %h");
  const Pat x = any(), trunk = op("f")(x).may_escape(), other = any(), sum = op("add")(trunk, other).commutes();
  const auto add = pattern("Add", {sum}, [=](const Match& match, Graft& graft) {
    return graft.replace(match[sum], graft.call_function("aten.add.Tensor", {&match[x], &match[other]}, {}));
  });
  const Report report = Rewriter({add, row("FGH", {"f", "g", "h"}, true)}).run_once(module);
  verify(module);
  EXPECT_EQ(report.counts(), (std::map<std::string, size_t>{{"Add", 1}, {"FGH", 1}}));
  EXPECT_NE(summary(module).find("aten.add.Tensor x d"), std::string::npos) << summary(module);
}

TEST(Rewriter, AMatchReadsWhatAnotherPutThere) {
  GraphModule module = network({"%a = f(%x)", "%b = f(%a)", "%c = f(%b)"}, "%c, %b");
  Rewriter({row("F", {"f"})}).run_once(module);
  verify(module);
  EXPECT_EQ(summary(module), "F x; F a; F b; ");
}

TEST(Rewriter, AMatchMayLoseItsInputToAnotherMatch) {
  const Pat x = any(), skip = op("skip")(x);
  const auto remove =
      pattern("Skip", {skip}, [=](const Match& match, Graft& graft) { return graft.replace(match[skip], match[x]); });
  GraphModule module = network({"%a = skip(%x)", "%b = skip(%a)", "%c = f(%b)", "%d = skip(%c)"}, "%d");
  Rewriter({remove, row("F", {"f"})}).run_once(module);
  verify(module);
  EXPECT_EQ(summary(module), "F x; ");
}

class FailingPatternTest : public ::testing::TestWithParam<int> {};

TEST_P(FailingPatternTest, LeavesTheNetworkAsItWas) {
  GraphModule module =
      testing::parse_network("graph(%x: f32[2, 4]) {\n  %a = nn.ReLU @a(%x)\n  %b = nn.Tanh @b(%a)\n  return %b\n}\n");
  const std::string before = print(module);
  const size_t records = module.modules().size();
  const Pat x = any(), a = op("nn.ReLU")(x);
  const auto failing = pattern("Failing", {a}, [=](const Match& match, Graft& graft) -> Outcome {
    ModuleRecord record;
    record.path = "new";
    record.kind = "nn.SiLU";
    Node& node = graft.call_module(graft.add_record(std::move(record)), {&match[x]});
    Node& turned = graft.call_function("aten.transpose.int", {&node}, {{"dim0", 0}, {"dim1", 1}});
    switch (GetParam()) {
      case 0:
        throw Error("test.error", "an error of ours");
      case 1:
        throw std::runtime_error("an error of another library");
      case 2:
        return declined("it was not to be");
      case 3:
        return graft.replace(match[a], turned);
      case 4:
        return applied();
      case 5:
        graft.call_module(node.module(), {&node, &node});
        return applied();
      default:
        return graft.replace(match[a], graft.call_function("aten.neg.default", {&match[a]}, {}));
    }
  });
  const Report report = Rewriter({failing}).run_once(module);
  EXPECT_EQ(print(module), before);
  EXPECT_EQ(module.modules().size(), records);
  verify(module);
  EXPECT_TRUE(report.applied.empty());
  static const char* const kReasons[] = {"an error of ours",
                                         "an error of another library",
                                         "it was not to be",
                                         "the result would be f32[4, 2] instead of f32[2, 4]",
                                         "it replaces nothing",
                                         "nn.SiLU takes 1 input, not 2",
                                         "the new node would be needed before %a is ready"};
  EXPECT_EQ(skips(report), cat("Failing %a: ", kReasons[GetParam()], "\n"));
  EXPECT_EQ(report.text(), cat("Failing  %a skipped: ", kReasons[GetParam()], "\n"));
}

INSTANTIATE_TEST_SUITE_P(EachWayToFail, FailingPatternTest, ::testing::Range(0, 7));

TEST(Rewriter, ADefectOfOursIsNotSwallowed) {
  GraphModule module = network({"%a = f(%x)"}, "%a");
  const auto defect = pattern("Defect", {op("f")(any())}, [](const Match&, Graft&) -> Outcome {
    GRAFTWORK_ASSERT(1 == 2);
    return applied();
  });
  EXPECT_THROW(Rewriter({defect}).run_once(module), InternalError);
}

TEST(Rewriter, AFailureDoesNotStopTheOthers) {
  GraphModule module = network({"%a = f(%x)", "%b = g(%a)"}, "%b");
  const auto failing = pattern("Failing", {op("f")(any())}, [](const Match&, Graft&) { return declined("no"); });
  const Report report = Rewriter({failing, row("G", {"g"})}).run_once(module);
  EXPECT_EQ(summary(module), "f x; G a; ");
  EXPECT_EQ(report.applied.size(), 1u);
}

TEST(Rewriter, PatternsThatUndoOneAnotherAreAnError) {
  const auto turn = [](Symbol from, Symbol to) {
    const Pat x = any(), a = op(from)(x);
    return pattern(from.str() + "To", {a}, [=](const Match& match, Graft& graft) {
      return graft.replace(match[a], graft.call_function(to, {&match[x]}, {}));
    });
  };
  GraphModule module = network({"%a = aten.neg.default(%x)"}, "%a");
  try {
    Rewriter({turn("aten.neg.default", "aten.abs.default"), turn("aten.abs.default", "aten.neg.default")})
        .run_to_fixpoint(module);
    FAIL() << "no end was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "rewrite.endless");
    EXPECT_NE(error.message().find("aten.neg.defaultTo"), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("aten.abs.defaultTo"), std::string::npos) << error.message();
  }
  verify(module);
}

/// `%v0 … %vN-1`, each a function of the same value.
GraphModule fork(int readers) {
  std::vector<std::string> statements;
  std::string results;
  for (int i = 0; i < readers; ++i) {
    statements.push_back(cat("%v", i, " = aten.neg.default(%x)"));
    results += cat(i > 0 ? ", " : "", "%v", i);
  }
  return network(statements, results);
}

/// Looks for three readers of one value that never match.
std::shared_ptr<const Pattern> expensive() {
  const Pat x = any();
  const auto reader = [&] { return op("aten.neg.default")(x); };
  const Pat last = reader().where([](const GraphModule&, const Node&) { return false; }, "it never is");
  return pattern("Expensive", {reader(), reader(), last}, [](const Match&, Graft&) { return declined("never"); });
}

TEST(Rewriter, PatternsThatTryTooMuchAreAnError) {
  GraphModule module = fork(3000);
  const std::string before = print(module);
  const PatternList list{row("F", {"aten.abs.default"}), expensive()};
  const auto report = [&] {
    try {
      Rewriter(list).run_to_fixpoint(module);
    } catch (const Error& error) {
      return error.report();
    }
    return std::string();
  };
  const std::string said = report();
  EXPECT_EQ(said.substr(0, said.find(" steps")), cat("error[rewrite.effort]: the patterns were given up after ",
                                                     MatchBudget(module.graph().size()).total()));
  EXPECT_NE(said.find("most of them for Expensive"), std::string::npos) << said;
  EXPECT_EQ(print(module), before);
  EXPECT_EQ(report(), said);  // counted, not timed
}

TEST(Rewriter, RunsShareABudget) {
  MatchBudget budget(0);
  const Rewriter rewriter({row("F", {"aten.abs.default"})}, &budget);
  GraphModule module = fork(10);
  rewriter.run_once(module);
  const uint64_t one = budget.spent();
  rewriter.run_once(module);
  EXPECT_EQ(budget.spent(), 2 * one);
  budget.spend(budget.total());
  EXPECT_THROW(rewriter.run_once(module), Error);
}

TEST(Rewriter, WhatPatternsUsuallyTryIsFarBelowTheBudget) {
  std::vector<std::string> statements{"%v0 = f(%x)"};
  for (int i = 1; i < 2000; ++i) statements.push_back(cat("%v", i, " = ", i % 2 ? "g" : "f", "(%v", i - 1, ")"));
  GraphModule module = network(statements, "%v1999");
  MatchBudget budget(module.graph().size());
  Rewriter({row("FG", {"f", "g"}), row("GF", {"g", "f"})}, &budget).run_to_fixpoint(module);
  EXPECT_LT(budget.spent(), budget.total() / 1000);
}

TEST(Rewriter, AReaderThatGoesLetsAnotherMatchInALaterRound) {
  const Pat check = op("check")().and_more_inputs();
  const auto remove =
      pattern("Remove", {check}, [=](const Match& match, Graft& graft) { return graft.remove(match[check]); });
  GraphModule module = network({"%a = f(%x)", "%b = g(%a)", "%n = size(%a)", "%c = check(%n)"}, "%b");
  const Report report = Rewriter({row("FG", {"f", "g"}), remove}).run_to_fixpoint(module);
  EXPECT_EQ(summary(module), "FG x; ");
  EXPECT_EQ(skips(report), "") << "what was in the way is gone, so nothing was skipped in the end";
}

TEST(Rewriter, AnAnchorOnAnotherBranchIsSeenInALaterRound) {
  // The change happens at %m; only the way from %c up to %a and down again leads to the anchor %b.
  const Pat x = any(), first = op("first")(x), second = op("second")(x, op("mark")(any()));
  const auto merge = pattern("Merge", {first, second}, [=](const Match& match, Graft& graft) -> Outcome {
    Node& both = graft.call_function("aten.neg.default", {&match[x]}, {});
    if (Outcome outcome = graft.replace(match[first], both); !outcome) return outcome;
    return graft.replace(match[second], both);
  });
  const Pat y = any(), raw = op("raw")(y);
  const auto raise = pattern("Raise", {raw}, [=](const Match& match, Graft& graft) {
    return graft.replace(match[raw], graft.call_function("mark", {&match[y]}, {}));
  });
  GraphModule module =
      network({"%a = f(%x)", "%b = first(%a)", "%k = e(%x)", "%m = raw(%k)", "%c = second(%a, %m)"}, "%b, %c");
  const Report report = Rewriter({merge, raise}).run_to_fixpoint(module);
  verify(module);
  EXPECT_EQ(summary(module), "f x; aten.neg.default a; ");
  EXPECT_EQ(report.applied.size(), 2u);
}

/// Declines until a mark stands at the end of the way down from its match.
class FarLooking final : public Pattern {
 public:
  explicit FarLooking(bool says_so) : says_so_(says_so) {}
  std::string_view name() const override { return "Far"; }
  std::vector<Pat> roots() const override { return {first_}; }
  bool looks_further() const override { return says_so_; }
  Outcome graft(const Match& match, Graft& graft) const override {
    const Node* at = &match[first_];
    while (at->uses() && at->uses()->user()->kind() == NodeKind::kCallFunction) at = at->uses()->user();
    if (at->op() != Symbol("mark")) return declined("there is no mark");
    return graft.replace(match[first_], graft.call_function("aten.neg.default", {&match[x_]}, {}));
  }

 private:
  bool says_so_;
  Pat x_ = any(), first_ = op("first")(x_).may_escape();
};

TEST(Rewriter, WhatLooksFurtherIsTriedAgainAfterEveryChange) {
  const Pat y = any(), raw = op("raw")(y);
  const auto raise = pattern("Raise", {raw}, [=](const Match& match, Graft& graft) {
    return graft.replace(match[raw], graft.call_function("mark", {&match[y]}, {}));
  });
  const std::vector<std::string> statements{"%a = first(%x)", "%b = f(%a)", "%c = g(%b)", "%d = h(%c)", "%e = raw(%d)"};
  GraphModule module = network(statements, "%e");
  const Report report = Rewriter({std::make_shared<FarLooking>(true), raise}).run_to_fixpoint(module);
  EXPECT_EQ(report.counts(), (std::map<std::string, size_t>{{"Far", 1}, {"Raise", 1}}));
  EXPECT_EQ(skips(report), "") << "it was no miss in the end";
  module = network(statements, "%e");
  EXPECT_EQ(skips(Rewriter({std::make_shared<FarLooking>(false), raise}).run_to_fixpoint(module)),
            "Far %a: there is no mark\n");
}

TEST(Rewriter, ANearMissIsReportedOnceWithItsReason) {
  GraphModule module = network({"%a = f(%x)", "%b = g(%a)", "%c = h(%b)"}, "%c, %a");
  const Report report = Rewriter({row("FG", {"f", "g"}), row("H", {"h"})}).run_to_fixpoint(module);
  EXPECT_EQ(skips(report), "FG %b: %a is used outside the match, by return\n");
  EXPECT_EQ(report.text(), "H  %c → %c\nFG  %b skipped: %a is used outside the match, by return\n");
}

TEST(Rewriter, AMatchWhoseNodeWentWithAnotherIsSkipped) {
  // The check stands above %b, so it goes first, and takes %n along: the second root of the other match.
  const Pat x = any(), b = op("f")(x, any()), n = op("size")(x);
  const auto both = pattern("Both", {b, n}, [=](const Match& match, Graft& graft) -> Outcome {
    Node& now = graft.call_function("aten.neg.default", {&match[x]}, {});
    if (Outcome outcome = graft.replace(match[n], now); !outcome) return outcome;
    return graft.replace(match[b], now);
  });
  const Pat check = op("check")(any());
  const auto remove =
      pattern("Remove", {check}, [=](const Match& match, Graft& graft) { return graft.remove(match[check]); });
  GraphModule module =
      network({"%n = size(%x)", "%c = check(%n)", "%d = e(%x)", "%e = e(%d)", "%g = e(%e)", "%b = f(%x, %g)"}, "%b");
  const Report report = Rewriter({both, remove}).run_to_fixpoint(module);
  verify(module);
  EXPECT_EQ(report.counts(), (std::map<std::string, size_t>{{"Remove", 1}}));
  EXPECT_EQ(summary(module), "e x; e d; e e; f x g; ");
  EXPECT_EQ(skips(report), "") << "%b was looked at again, and is no match without %n";
  module =
      network({"%n = size(%x)", "%c = check(%n)", "%d = e(%x)", "%e = e(%d)", "%g = e(%e)", "%b = f(%x, %g)"}, "%b");
  EXPECT_EQ(skips(Rewriter({both, remove}).run_once(module)), "Both %b: %n went with an earlier match\n");
}

TEST(Rewriter, TheSameListServesManyRuns) {
  const PatternList list{row("FG", {"f", "g"})};
  for (int run = 0; run < 3; ++run) {
    GraphModule module = network({"%a = f(%x)", "%b = g(%a)"}, "%b");
    EXPECT_EQ(Rewriter(list).run_once(module).applied.size(), 1u);
    EXPECT_EQ(summary(module), "FG x; ");
  }
}

TEST(Rewriter, ALongChainIsDoneInOneRound) {
  GraphModule module;
  Node* at = &module.add_input("x", TensorType{DType::kF32, {2}});
  for (int i = 0; i < 10'000; ++i) {
    at = &module.add_call_function(i % 2 == 0 ? "aten.neg.default" : "aten.abs.default", cat("n", i), std::span(&at, 1),
                                   {});
  }
  module.add_output(std::span(&at, 1), {""});
  const Report report = Rewriter({row("NA", {"aten.neg.default", "aten.abs.default"})}).run_to_fixpoint(module);
  verify(module);
  EXPECT_EQ(report.applied.size(), 5'000u);
  EXPECT_EQ(module.graph().size(), 5'002u);
}

TEST(Rewriter, TheOrderOfNodesDoesNotMatter) {
  const GraphModule module =
      network({"%a = f(%x)", "%b = g(%a)", "%c = h(%b)", "%d = f(%x)", "%e = g(%d)", "%s = add(%c, %e)", "%t = g(%s)"},
              "%t, %s");
  const PatternList list{row("FG", {"f", "g"}), row("GH", {"g", "h"}), row("G", {"g"})};
  GraphModule expected = module.clone();
  Rewriter(list).run_to_fixpoint(expected);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    GraphModule other = testing::shuffled(module, seed);
    Rewriter(list).run_to_fixpoint(other);
    EXPECT_EQ(difference(expected, other), std::nullopt) << "seed " << seed;
  }
}

}  // namespace
}  // namespace graftwork::core
