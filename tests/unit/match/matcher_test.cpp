// Each construct of the pattern language, what it binds, and what it says when it does not match.
#include "graftwork/match/matcher.h"

#include <gtest/gtest.h>

#include <thread>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/rewrite/graft.h"
#include "support/shuffle.h"

namespace graftwork::core {
namespace {

/// A network of operators on one type: "%a = neg(%x)" stands for `%a: f32[2] = neg(%x)`.
GraphModule network(const std::string& statements, const std::string& inputs = "%x: f32[2], %z: f32[2]") {
  std::string text = "graph(" + inputs + ") {\n";
  std::istringstream lines(statements);
  for (std::string line; std::getline(lines, line, ';');) {
    const size_t equals = line.find(" = ");
    const bool typed = line.find(':') != std::string::npos && line.find(':') < equals;
    if (equals != std::string::npos && !typed) line.replace(equals, 3, ": f32[2] = ");
    text += line + "\n";
  }
  return parse(text + "}\n");
}

Node& named(const GraphModule& module, Symbol name) {
  for (Node& node : module.graph().nodes()) {
    if (node.name() == name) return node;
  }
  throw std::runtime_error("no node " + name.str());
}

/// One attempt at one node.
struct Attempt {
  Attempt(const GraphModule& module, std::vector<Pat> roots, Symbol at)
      : tree(std::move(roots)), order(module), matcher({&module, &order, nullptr}) {
    found = matcher.find(tree, named(module, at), match);
  }
  Attempt(GraphModule&&, std::vector<Pat>, Symbol) = delete;  // failure() names its nodes

  std::string name(const Pat& pat) const { return match.has(pat) ? match[pat].name().str() : "-"; }
  std::string nodes() const {
    std::string text;
    for (const Node* node : match.nodes()) text += node->name().str();
    return text;
  }
  std::string chain(const Pat& pat) const {
    std::string text;
    for (const Node* node : match.chain(pat)) text += node->name().str();
    return text;
  }
  std::string failure() const { return matcher.failure().text(); }
  bool near_miss() const { return matcher.failure().is_near_miss(); }

  Tree tree;
  CanonicalOrder order;
  Matcher matcher;
  Match match;
  bool found = false;
};

TEST(Match, BindsPositionsInDataflowOrder) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);return %b");
  const Pat x = any(), a = op("f")(x), b = op("g")(a);
  const Attempt attempt(module, {b}, "b");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.name(x), "x");
  EXPECT_EQ(attempt.name(a), "a");
  EXPECT_EQ(attempt.nodes(), "ba");
  EXPECT_EQ(attempt.match.length(), 2u);
  EXPECT_EQ(attempt.match.root().name(), Symbol("b"));
}

TEST(Match, SaysWhichOperatorStoodInTheWay) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);return %b");
  const Attempt attempt(module, {op("g")(op("h")(any()))}, "b");
  EXPECT_FALSE(attempt.found);
  EXPECT_EQ(attempt.failure(), "%a is f");
  EXPECT_FALSE(attempt.near_miss());
}

TEST(Match, SeveralOperatorsAreOnePosition) {
  const GraphModule module = network("%a = f(%x);%b = g(%x);%c = h(%x);return %a, %b, %c");
  const Pat either_of = op({"f", "g"})(any());
  EXPECT_TRUE(Attempt(module, {either_of}, "a").found);
  EXPECT_TRUE(Attempt(module, {op({"f", "g"})(any())}, "b").found);
  EXPECT_FALSE(Attempt(module, {op({"f", "g"})(any())}, "c").found);
}

TEST(Match, TheNumberOfInputsCounts) {
  const GraphModule module = network("%a = f(%x, %z);return %a");
  const Attempt few(module, {op("f")(any())}, "a");
  EXPECT_FALSE(few.found);
  EXPECT_EQ(few.failure(), "%a has 2 inputs");
  EXPECT_FALSE(few.near_miss());
  EXPECT_TRUE(Attempt(module, {op("f")(any()).and_more_inputs()}, "a").found);
  EXPECT_TRUE(Attempt(module, {op("f")().and_more_inputs()}, "a").found);
  EXPECT_FALSE(Attempt(module, {op("f")(any(), any(), any()).and_more_inputs()}, "a").found);
}

TEST(Match, EitherTakesTheFirstThatFits) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);%c = h(%b);%d = h(%a);return %c, %d");
  const auto attempt = [&](Symbol at, bool with_b) {
    const Pat a = op("f")(any()).may_escape(), b = op("g")(a), in = either(b, a), out = op("h")(in);
    const Attempt result(module, {out}, at);
    EXPECT_TRUE(result.found) << result.failure();
    EXPECT_EQ(result.match.has(b), with_b);
    EXPECT_EQ(result.name(a), "a");
    EXPECT_EQ(result.name(in), with_b ? "b" : "a");
  };
  attempt("c", true);
  attempt("d", false);
}

TEST(Match, AnAlternativeThatFailsLeavesNoBindings) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);return %b");
  const Pat x = any(), inner = op("f")(x), deep = op("g")(op("h")(inner)), flat = op("g")(inner);
  const Attempt attempt(module, {either(deep, flat)}, "b");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_FALSE(attempt.match.has(deep));
  EXPECT_EQ(attempt.nodes(), "ba");
}

TEST(Match, OptionalMayBeAbsent) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);%c = h(%b);%d = f(%z);%e = h(%d);return %c, %e");
  for (const bool present : {true, false}) {
    const Pat a = op("f")(any()), b = graftwork::core::optional(op("g"), a), c = op("h")(b);
    const Attempt attempt(module, {c}, present ? "c" : "e");
    ASSERT_TRUE(attempt.found) << attempt.failure();
    EXPECT_EQ(attempt.match.length(), present ? 3u : 2u);
    EXPECT_EQ(attempt.name(b), present ? "b" : "d");
  }
}

TEST(Match, AChainTakesAsManyAsThereAre) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);%c = g(%b);%d = g(%c);%e = h(%d);return %e");
  const Pat a = op("f")(any()), between = chain(op("g"), a, 0, 8), e = op("h")(between);
  const Attempt attempt(module, {e}, "e");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.chain(between), "bcd");
  EXPECT_EQ(attempt.match.length(), 5u);
}

TEST(Match, AChainMayBeEmptyOrMayNot) {
  const GraphModule module = network("%a = f(%x);%e = h(%a);return %e");
  const Pat a = op("f")(any()), none = chain(op("g"), a, 0, 8);
  const Attempt attempt(module, {op("h")(none)}, "e");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.chain(none), "");
  EXPECT_FALSE(Attempt(module, {op("h")(chain(op("g"), op("f")(any()), 1, 8))}, "e").found);
}

TEST(Match, AChainIsNoLongerThanItMayBe) {
  const GraphModule module = network("%a = g(%x);%b = g(%a);%c = g(%b);%e = h(%c);return %e");
  const Pat from = any(), two = chain(op("g"), from, 1, 2);
  const Attempt attempt(module, {op("h")(two)}, "e");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.chain(two), "bc");
  EXPECT_EQ(attempt.name(from), "a");
  EXPECT_FALSE(Attempt(module, {op("h")(chain(op("g"), op("f")(any()), 0, 2))}, "e").found);
}

TEST(Match, AChainGivesBackWhatStandsInFrontOfIt) {
  const GraphModule module = network("%a = g(%x);%b = g(%a);%c = g(%b);%e = h(%c);return %e");
  const auto length = [&](uint32_t min, uint32_t max) {
    const Pat first = op("g")(any()), more = chain(op("g"), first, min, max);
    const Attempt attempt(module, {op("h")(more)}, "e");
    return attempt.found ? attempt.name(first) + attempt.chain(more) : "none";
  };
  EXPECT_EQ(length(0, 8), "abc");
  EXPECT_EQ(length(2, 8), "abc");
  EXPECT_EQ(length(3, 8), "none");
  EXPECT_EQ(length(0, 1), "bc") << "the value in front of it is anyone's";
}

TEST(Match, AChainStopsAtAConditionAndSaysSo) {
  const GraphModule module = network("%a = g(%x) {ok=true};%b = g(%a) {ok=false};%e = h(%b);return %e");
  const Attempt attempt(module, {op("h")(chain(op("g"), any(), 1, 8).attr("ok", Attribute(true)))}, "e");
  EXPECT_FALSE(attempt.found);
  EXPECT_EQ(attempt.failure(), "%b: its ok is not true");
}

TEST(Match, AForkMeetsInOneValue) {
  const auto square = [] {
    const Pat x = any(), d = op("f")(x);
    return std::vector<Pat>{op("mul")(d, d)};
  };
  const GraphModule together = network("%a = f(%x);%b = mul(%a, %a);return %b");
  EXPECT_TRUE(Attempt(together, square(), "b").found);
  const GraphModule two = network("%a = f(%x);%c = f(%x);%b = mul(%a, %c);return %b");
  const Attempt apart(two, square(), "b");
  EXPECT_FALSE(apart.found);
  EXPECT_EQ(apart.failure(), "the branches do not start at one value: %c");
}

TEST(Match, ABranchThatLeavesAndComesBackIsInside) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);%c = mul(%a, %b);return %c");
  const Pat a = op("f")(any()), c = op("mul")(a, op("g")(a));
  EXPECT_TRUE(Attempt(module, {c}, "c").found);
}

TEST(Match, OperandsStandAsTheyAreUnlessTheyCommute) {
  const GraphModule module = network("%a = f(%x);%s = add(%z, %a);return %s");
  EXPECT_FALSE(Attempt(module, {op("add")(op("f")(any()), any())}, "s").found);
  const Pat a = op("f")(any()), other = any();
  const Attempt attempt(module, {op("add")(a, other).commutes()}, "s");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.name(other), "z");
}

TEST(Match, OfTwoBranchesTheDeeperIsTriedFirst) {
  for (const char* sum : {"add(%a, %c)", "add(%c, %a)"}) {
    const GraphModule module = network(std::string("%a = f(%x);%b = g(%x);%c = f(%b);%s = ") + sum + ";return %s");
    const Pat trunk = op("f")(any()), other = any();
    const Attempt attempt(module, {op("add")(trunk, other).commutes()}, "s");
    ASSERT_TRUE(attempt.found) << attempt.failure();
    EXPECT_EQ(attempt.name(trunk), "c") << sum;
    EXPECT_EQ(attempt.name(other), "a") << sum;
  }
}

TEST(Match, ABranchThatIsUsedOutsideLeavesTheTrunkToTheOther) {
  const GraphModule module = network("%a = f(%x);%b = g(%x);%c = f(%b);%s = add(%c, %a);return %s, %c");
  const Pat trunk = op("f")(any()), other = any();
  const Attempt attempt(module, {op("add")(trunk, other).commutes()}, "s");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.name(trunk), "a");
}

TEST(Match, AllOrdersOfTwoSumsAreTriedBeforeGivingUp) {
  // Only one of the four orders keeps every consumed value inside.
  const GraphModule module =
      network("%a = f(%x);%b = f(%z);%s = add(%a, %b);%c = f(%x);%t = sum(%s, %c);%u = out(%t);return %u, %a, %c");
  const Pat p = any(), trunk = op("f")(p), inner = op("add")(trunk, any()).commutes();
  const Attempt attempt(module, {op("out")(op("sum")(inner, any()).commutes())}, "u");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.name(trunk), "b");
}

TEST(Match, AStretchTakesAsFewAsTheRestOfTheTreeLeavesToIt) {
  const GraphModule module = network("%a = f(%x);%b = f(%a);%c = g(%b);%d = k(%c);%e = h(%d);return %e");
  const Pat from = op("f")(any()), between = stretch(from, 0, 8), e = op("h")(between);
  const Attempt attempt(module, {e}, "e");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.chain(between), "cd");
  EXPECT_EQ(attempt.name(from), "b") << "the nearest";
  EXPECT_EQ(attempt.name(between), "d");
  EXPECT_EQ(attempt.nodes(), "edcb") << "what a stretch passes belongs to the match";
}

TEST(Match, AStretchMayBeEmptyAndHasALeastAndAGreatestLength) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);%c = g(%b);%e = h(%c);%i = f(%z);%j = h(%i);return %e, %j");
  const auto length = [&](uint32_t min, uint32_t max, Symbol at) -> std::string {
    const Pat between = stretch(op("f")(any()), min, max);
    const Attempt attempt(module, {op("h")(between)}, at);
    return attempt.found ? std::to_string(attempt.match.chain(between).size()) : attempt.failure();
  };
  EXPECT_EQ(length(0, 8, "j"), "0");
  EXPECT_EQ(length(0, 8, "e"), "2");
  EXPECT_EQ(length(2, 2, "e"), "2");
  EXPECT_EQ(length(0, 1, "e"), "%b is g");
  EXPECT_EQ(length(3, 8, "e"), "%x is input");
  EXPECT_EQ(length(1, 8, "j"), "%z is input");
  const Pat x = any(), least = stretch(x, 2, 3);
  const Attempt attempt(module, {op("h")(least)}, "e");
  EXPECT_EQ(attempt.chain(least), "bc");
  EXPECT_EQ(attempt.name(x), "a");
}

TEST(Match, AStretchGrowsUntilWhatStandsBesideItFitsToo) {
  // The residual decides where the trunk starts: the first f above is not it.
  const GraphModule module = network("%r = f(%x);%a = g(%r);%b = f(%a);%c = k(%b);%s = add(%c, %r);return %s");
  const Pat start = op("f")(any()), trunk = stretch(start, 1, 8), sum = op("add")(trunk, start);
  const Attempt attempt(module, {sum}, "s");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.chain(trunk), "abc");
  EXPECT_EQ(attempt.name(start), "r");
  const Pat any_start = any(), any_trunk = stretch(any_start, 1, 8);
  const Attempt block(module, {op("add")(any_start, any_trunk).commutes()}, "s");
  ASSERT_TRUE(block.found) << block.failure();
  EXPECT_EQ(block.name(any_start), "r");
  EXPECT_EQ(block.chain(any_trunk), "abc");
}

TEST(Match, AStretchGrowsWhereAValueWouldBeUsedOutside) {
  const GraphModule module =
      network("%a = f(%x);%b = g(%a);%c = f(%b);%d = k(%c);%e = h(%d);%o = n(%c, %d);%y = m(%e, %o);return %y");
  const Pat start = op("f")(any()), between = stretch(start, 0, 8).may_escape();
  const Attempt attempt(module, {op("h")(between)}, "e");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.name(start), "a") << "%c is read by %o, so the match goes on to the next f";
  const Attempt closed(module, {op("h")(stretch(op("f")(any()), 0, 8))}, "e");
  EXPECT_FALSE(closed.found);
  EXPECT_EQ(closed.failure(), "%d is used outside the match, by %o");
}

TEST(Match, AStretchPassesConstantsAndNoForks) {
  const GraphModule module = network(
      "%k: f32[2] = constant @k: f32[2];%a = f(%x);%b = mul(%k, %a);%c = sub(%b, %k);%e = h(%c);%p = add(%a, "
      "%z);%q = h(%p);return %e, %q, %a");
  const Pat between = stretch(op("f")(any()).may_escape(), 0, 8);
  const Attempt attempt(module, {op("h")(between)}, "e");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.chain(between), "bc");
  EXPECT_FALSE(Attempt(module, {op("h")(stretch(op("f")(any()).may_escape(), 0, 8))}, "q").found);
}

TEST(Match, AConditionOfAStretchHoldsForEachOfItsNodes) {
  const GraphModule module = network("%a = f(%x);%b = g(%a) {ok=false};%c = g(%b) {ok=true};%e = h(%c);return %e");
  const auto found = [&](uint32_t max) {
    return Attempt(module, {op("h")(stretch(any(), 1, max).attr("ok", Attribute(true)))}, "e").found;
  };
  EXPECT_TRUE(found(1));
  const Attempt attempt(module, {op("h")(stretch(op("f")(any()), 1, 8).attr("ok", Attribute(true)))}, "e");
  EXPECT_FALSE(attempt.found);
  EXPECT_EQ(attempt.failure(), "%b: its ok is not true");
}

TEST(Match, AStretchStopsAtATakenNode) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);%c = h(%b);return %c");
  std::vector<bool> taken(named(module, "b").id().index + 1, false);
  taken[named(module, "b").id().index] = true;
  Matcher matcher({&module, nullptr, &taken});
  Match match;
  EXPECT_FALSE(matcher.find(Tree({op("h")(stretch(op("f")(any()), 0, 8))}), named(module, "c"), match));
  EXPECT_EQ(matcher.failure().text(), "%b belongs to another match");
}

TEST(Match, ASearchIsGivenUpAfterSomeSteps) {
  // Six stretches over one long chain: without a limit, (60 over 6) ways to cut it.
  std::string text;
  for (int i = 0; i < 60; ++i) text += cat("%n", i, " = g(%", i == 0 ? "x" : cat("n", i - 1), ");");
  const GraphModule module = network(text + "%e = h(%n59);return %e");
  Pat pat = op("none")(any());
  for (int i = 0; i < 6; ++i) pat = op("g")(stretch(pat, 0, Pat::kMaxStretch));
  const Attempt attempt(module, {op("h")(pat)}, "e");
  EXPECT_FALSE(attempt.found);
  EXPECT_TRUE(attempt.near_miss());
  EXPECT_EQ(attempt.failure().substr(0, 42), "the search was given up after 4096 steps, ");
}

TEST(Match, AnOptionalPartIsLeftOutWhereTheRestWantsIt) {
  const GraphModule module = network("%a = g(%x);%b = g(%a);%s = add(%b, %a);return %s");
  const Pat x = any(), maybe = graftwork::core::optional(op("g"), x), out = op("add")(op("g")(maybe), x);
  const Attempt attempt(module, {out}, "s");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.name(x), "a");
}

TEST(Match, AConditionOnTheWholeMatchIsAskedAtTheEnd) {
  const GraphModule module =
      network("%a = f(%x) {k=1};%b = g(%z) {k=2};%c = f(%z) {k=2};%s = add(%a, %b);%t = add(%c, %b);return %s, %t");
  const auto sum = [&](Symbol at) {
    const Pat f = op("f")(any()), g = op("g")(any()).may_escape();
    const MatchCondition alike = [=](const GraphModule&, const Bindings& bound) {
      return *bound[f].attrs().find("k") == *bound[g].attrs().find("k");
    };
    const Attempt attempt(module, {op("add")(f, g).where(alike, "its operands differ in k")}, at);
    return attempt.found ? "found" : attempt.failure();
  };
  EXPECT_EQ(sum("t"), "found");
  EXPECT_EQ(sum("s"), "%s: its operands differ in k");
}

TEST(Match, AConditionOnTheWholeMatchLetsTheSearchGoOn) {
  const GraphModule module = network("%a = f(%x) {k=1};%b = f(%z) {k=2};%s = add(%a, %b);return %s");
  const Pat trunk = op("f")(any());
  const MatchCondition second = [=](const GraphModule&, const Bindings& bound) {
    return bound.has(trunk) && *bound[trunk].attrs().find("k") == Attribute(2);
  };
  const Attempt attempt(module, {op("add")(trunk, any()).commutes().where(second, "none has k=2")}, "s");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.name(trunk), "b");
}

TEST(Match, TwoPositionsMayBeAskedToCallOneModule) {
  const GraphModule module = network(
      "%a: f32[1, 4] = nn.ReLU @one(%x);%b: f32[1, 4] = nn.ReLU @one(%a);%c: f32[1, 4] = nn.ReLU @two(%b);%d: f32[1, "
      "4] = nn.ReLU @two(%c);%e: f32[1, 4] = nn.ReLU @one(%d);return %e",
      "%x: f32[1, 4]");
  const auto twice = [&](Symbol at) {
    const Pat first = op("nn.ReLU")(any()), second = op("nn.ReLU")(first);
    const MatchCondition same = [=](const GraphModule&, const Bindings& bound) {
      return bound[first].module() == bound[second].module();
    };
    return Attempt(module, {op("nn.ReLU")(second).where(same, "two modules")}, at).found;
  };
  EXPECT_TRUE(twice("c"));
  EXPECT_FALSE(twice("d"));
  EXPECT_TRUE(twice("e"));
}

TEST(Match, AConstantIsAConstant) {
  const GraphModule module = network("%k: f32[2] = constant @k: f32[2];%a = f(%x, %k);%b = f(%k, %x);return %a, %b");
  const Pat k = constant();
  const Attempt attempt(module, {op("f")(any(), k)}, "a");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.name(k), "k");
  EXPECT_EQ(attempt.match.length(), 1u) << "a constant is not consumed";
  EXPECT_FALSE(Attempt(module, {op("f")(any(), constant())}, "b").found);
}

TEST(Match, ConditionsHoldForEveryForm) {
  const GraphModule module = network("%k: f32[2] = constant @k: f32[2];%a = f(%x, %k);return %a");
  const NodeCondition never = [](const GraphModule&, const Node&) { return false; };
  const auto refusal = [&](const Pat& pat) {
    const Attempt attempt(module, {pat}, "a");
    EXPECT_FALSE(attempt.found);
    EXPECT_TRUE(attempt.near_miss());
    return attempt.failure();
  };
  EXPECT_EQ(refusal(op("f")(any().where(never, "it is an input"), any())), "%x: it is an input");
  EXPECT_EQ(refusal(op("f")(any(), constant().where(never, "it is large"))), "%k: it is large");
  EXPECT_EQ(refusal(op("f")(any(), any()).where(never, "it is slow")), "%a: it is slow");
  EXPECT_EQ(refusal(op("f")(either(any(), any()).where(never, "no"), any())), "%x: no");
}

TEST(Match, AConditionWithoutAReasonIsNoNearMiss) {
  const GraphModule module = network("%a = f(%x);return %a");
  const Attempt attempt(module, {op("f")(any()).where([](const GraphModule&, const Node&) { return false; }, "")}, "a");
  EXPECT_FALSE(attempt.found);
  EXPECT_FALSE(attempt.near_miss());
}

TEST(Match, AConditionIsNoNearMissWhereTheOperatorsDoNotFit) {
  const GraphModule module = network("%a = f(%x) {k=1};%b = g(%a) {k=1};return %b");
  const Attempt attempt(module, {op("g")(op("h")(any())).attr("k", Attribute(2))}, "b");
  EXPECT_FALSE(attempt.found);
  EXPECT_FALSE(attempt.near_miss()) << attempt.failure();
}

TEST(Match, ANearMissIsNotHiddenByAnotherAlternative) {
  const GraphModule module = network("%a = f(%x) {k=1};%b = g(%a);return %b");
  const Pat wanted = op("g")(op("f")(any()).attr("k", Attribute(2))), other = op("g")(op("h")(any()));
  for (const Pat& pat : {either(wanted, other)}) {
    const Attempt attempt(module, {pat}, "b");
    EXPECT_FALSE(attempt.found);
    EXPECT_EQ(attempt.failure(), "%a: its k is not 2");
  }
}

TEST(Match, OfTwoNearMissesTheFirstIsReported) {
  const GraphModule module = network("%a = f(%x) {k=1};%b = g(%a);return %b");
  const Pat first = op("g")(op("f")(any()).attr("k", Attribute(2))),
            second = op("g")(op("f")(any()).attr("k", Attribute(3)));
  EXPECT_EQ(Attempt(module, {either(first, second)}, "b").failure(), "%a: its k is not 2");
  const GraphModule escaping = network("%a = f(%x);%b = g(%x);%c = f(%b);%s = add(%a, %c);return %s, %c, %a");
  EXPECT_EQ(Attempt(escaping, {op("add")(op("f")(any()), any()).commutes()}, "s").failure(),
            "%c is used outside the match, by return");
}

TEST(Match, AttributesAreThoseOfTheModuleOrItsKind) {
  const GraphModule module = network(
      "%a: f32[1, 4] = nn.LeakyReLU @a(%x);%b: f32[1, 4] = nn.LeakyReLU @b(%x) {negative_slope=0.5};%c: f32[1, 4] = "
      "f(%x) {n=1};return %a, %b, %c",
      "%x: f32[1, 4]");
  const auto found = [&](Symbol at, Symbol operation, Symbol attr, Attribute value) {
    return Attempt(module, {op(operation)(any()).attr(attr, std::move(value))}, at).found;
  };
  EXPECT_TRUE(found("a", "nn.LeakyReLU", "negative_slope", Attribute(0.01)));
  EXPECT_FALSE(found("b", "nn.LeakyReLU", "negative_slope", Attribute(0.01)));
  EXPECT_TRUE(found("b", "nn.LeakyReLU", "negative_slope", Attribute(0.5)));
  EXPECT_TRUE(found("c", "f", "n", Attribute(1)));
  EXPECT_FALSE(found("c", "f", "m", Attribute(1)));
}

TEST(Match, AValueUsedOutsideDeclinesUnlessItMayEscape) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);%c = h(%a);return %b, %c");
  const Attempt closed(module, {op("g")(op("f")(any()))}, "b");
  EXPECT_FALSE(closed.found);
  EXPECT_EQ(closed.failure(), "%a is used outside the match, by %c");
  EXPECT_TRUE(closed.near_miss());
  EXPECT_TRUE(Attempt(module, {op("g")(op("f")(any()).may_escape())}, "b").found);
  const GraphModule returned = network("%a = f(%x);%b = g(%a);return %b, %a");
  EXPECT_EQ(Attempt(returned, {op("g")(op("f")(any()))}, "b").failure(), "%a is used outside the match, by return");
}

TEST(Match, OfSeveralReadersOutsideTheSameIsNamedInAnyOrder) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);%c = h(%a);%d = i(%a);return %b, %c, %d");
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const GraphModule other = testing::shuffled(module, seed);
    const Attempt attempt(other, {op("g")(op("f")(any()))}, "b");
    EXPECT_EQ(attempt.failure(), "%a is used outside the match, by %c");
  }
}

TEST(Match, TheRootMayBeUsedByAnyone) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);return %a, %b");
  EXPECT_TRUE(Attempt(module, {op("f")(any())}, "a").found);
}

TEST(Match, ATakenNodeIsNotMatched) {
  const GraphModule module = network("%a = f(%x);%b = g(%a);return %b");
  std::vector<bool> taken(named(module, "a").id().index + 1, false);
  taken[named(module, "a").id().index] = true;
  Matcher matcher({&module, nullptr, &taken});
  Match match;
  const Tree tree({op("g")(op("f")(any()))});
  EXPECT_FALSE(matcher.find(tree, named(module, "b"), match));
  EXPECT_EQ(matcher.failure().text(), "%a belongs to another match");
  const Tree shallow({op("g")(any())});
  EXPECT_TRUE(matcher.find(shallow, named(module, "b"), match)) << "a wildcard does not consume";
}

TEST(Match, FurtherRootsAreFoundAmongTheReadersOfASharedValue) {
  const GraphModule module = network("%a = n(%x);%q = f(%a);%k = g(%a);%v = h(%a);return %q, %k, %v");
  const Pat x = any(), q = op("f")(x), k = op("g")(x), v = op("h")(x);
  const Attempt attempt(module, {q, k, v}, "q");
  ASSERT_TRUE(attempt.found) << attempt.failure();
  EXPECT_EQ(attempt.nodes(), "qkv");
  EXPECT_EQ(attempt.name(x), "a");
  const Attempt missing(module, {op("f")(any()), op("none")(any())}, "q");
  EXPECT_FALSE(missing.found);
}

TEST(Match, RootsThatLookAlikeBindInCanonicalOrder) {
  const GraphModule module = network(
      "%q: f32[1, 4] = nn.ReLU @q(%x);%v: f32[1, 4] = nn.ReLU @v(%x);%k: f32[1, 4] = nn.ReLU @k(%x);return %q, %k, %v",
      "%x: f32[1, 4]");
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const GraphModule other = testing::shuffled(module, seed);
    const Pat x = any(), first = op("nn.ReLU")(x), second = op("nn.ReLU")(x), third = op("nn.ReLU")(x);
    const Attempt attempt(other, {first, second, third}, "q");
    ASSERT_TRUE(attempt.found) << attempt.failure();
    EXPECT_EQ(attempt.nodes(), "qkv") << "seed " << seed;
  }
}

TEST(Match, RefreshFollowsReplacements) {
  GraphModule module = network("%a = f(%x);%b = g(%a);%c = h(%z);return %b, %c");
  const Pat a = any(), b = op("g")(a);
  Attempt attempt(module, {b}, "b");
  ASSERT_TRUE(attempt.found);
  Graft graft(module);
  ASSERT_TRUE(graft.replace(named(module, "a"), named(module, "z")));
  graft.apply();
  attempt.match.refresh();
  EXPECT_EQ(attempt.name(a), "z");
}

TEST(Match, AnUnboundPositionIsAMistakeOfThePattern) {
  const GraphModule module = network("%a = f(%x);return %a");
  const Pat a = op("f")(any()), b = op("g")(a), out = either(b, a);
  const Attempt attempt(module, {out}, "a");
  ASSERT_TRUE(attempt.found);
  EXPECT_THROW(attempt.match[b], InternalError);
}

TEST(Tree, TheSamePatternMakesManyTrees) {
  const Pat x = any(), a = op("f")(x), b = op("g")(a);
  const Tree first({b});
  const Tree second({b});
  EXPECT_EQ(second.position_count(), 3u);
  EXPECT_EQ(second.depth(), first.depth());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(Tree({b}).position_count(), 3u); });
  for (std::thread& thread : threads) thread.join();
}

TEST(Tree, APositionStandsInOneTreeOnly) {
  const Pat x = any(), a = op("f")(x), b = op("g")(op("h")(x));
  const Tree first({a});
  EXPECT_THROW(Tree({b}), InternalError);
}

TEST(Tree, RefusesWhatHasNoAnchorOrTooManyPositions) {
  EXPECT_THROW(Tree({}), InternalError);
  EXPECT_THROW(Tree({any()}), InternalError);
  Pat pat = any();
  for (size_t i = 0; i < Tree::kMaxPositions; ++i) pat = op("f")(pat);
  EXPECT_THROW(Tree({pat}), InternalError);
}

TEST(Tree, ManyForksAreNumberedQuickly) {
  Pat pat = any();
  for (size_t i = 0; i < Tree::kMaxPositions - 1; ++i) pat = op("f")(pat, pat);
  const Tree tree({pat});
  EXPECT_EQ(tree.position_count(), Tree::kMaxPositions);
  EXPECT_EQ(tree.depth(), Tree::kMaxPositions - 1);
}

TEST(Tree, RejectsEarlyByTheOperandsOperators) {
  const Tree tree({op("f")(op({"g", "h"})(any()), any())});
  EXPECT_TRUE(tree.may_match(Tree::op_bit("g")));
  EXPECT_TRUE(tree.may_match(Tree::op_bit("h") | Tree::op_bit("input")));
  EXPECT_FALSE(tree.may_match(0));
  EXPECT_EQ(tree.anchor_ops(), (std::vector<Symbol>{"f"}));
  EXPECT_TRUE(Tree({op("f")(chain(op("g"), any(), 0, 2))}).may_match(0));
  EXPECT_FALSE(Tree({op("f")(chain(op("g"), any(), 1, 2))}).may_match(0));
}

TEST(Pat, ModifiersThatWouldDoNothingAreMistakes) {
  EXPECT_THROW(any().may_escape(), InternalError);
  EXPECT_THROW(op("f")(any()).commutes(), InternalError);
  EXPECT_THROW(either(any(), any()).and_more_inputs(), InternalError);
}

}  // namespace
}  // namespace graftwork::core
