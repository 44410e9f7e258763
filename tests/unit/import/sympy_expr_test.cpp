#include "graftwork/import/pt2/sympy_expr.h"

#include "support/reader_testing.h"

namespace graftwork::core::pt2 {
namespace {

using namespace graftwork::core::testing;
using Kind = SympyExpr::Kind;

TEST(SympyExpr, ReadsSymbolsAndDropsTheirAssumptions) {
  const SympyExpr symbol = parse_sympy("Symbol('s77', positive=True, integer=True)");
  EXPECT_EQ(symbol.kind, Kind::kSymbol);
  EXPECT_EQ(symbol.name, "s77");
  EXPECT_TRUE(symbol.args.empty());
  EXPECT_EQ(parse_sympy("Symbol(\"s_1\")").name, "s_1");
  EXPECT_EQ(parse_sympy("Dummy('d', dummy_index=12)").name, "d");
}

TEST(SympyExpr, ReadsNumbers) {
  EXPECT_EQ(parse_sympy("Integer(4)").integer, 4);
  EXPECT_EQ(parse_sympy("Integer(-3)").integer, -3);
  EXPECT_EQ(parse_sympy("17").kind, Kind::kInteger);
  EXPECT_EQ(parse_sympy("Float('0.5', precision=53)").name, "0.5");
  EXPECT_EQ(parse_sympy("oo").kind, Kind::kAtom);
  EXPECT_EQ(parse_sympy("Rational(1, 2)").args[1].integer, 2);
}

TEST(SympyExpr, ReadsNestedCallsAndKeepsUnknownFunctions) {
  const SympyExpr sum = parse_sympy("Add(Mul(Integer(4), Symbol('s0', integer=True)), Integer(1))");
  ASSERT_EQ(sum.args.size(), 2u);
  EXPECT_EQ(sum.name, "Add");
  EXPECT_EQ(sum.args[0].name, "Mul");
  EXPECT_EQ(sum.args[0].args[0].integer, 4);
  const SympyExpr other = parse_sympy("torch.utils.Strange(Symbol('s0'), flag=True)");
  EXPECT_EQ(other.name, "Strange");
  EXPECT_EQ(other.args.size(), 1u);
  EXPECT_TRUE(parse_sympy("Nothing()").args.empty());
}

TEST(SympyExpr, PrintsReadably) {
  const auto printed = [](std::string_view text) { return parse_sympy(text).text(); };
  EXPECT_EQ(printed("Symbol('s77')"), "s77");
  EXPECT_EQ(printed("Add(Mul(Integer(4), Symbol('s0')), Integer(1))"), "4*s0 + 1");
  EXPECT_EQ(printed("Mul(Integer(4), Add(Symbol('s0'), Integer(-1)))"), "4*(s0 + -1)");
  EXPECT_EQ(printed("Pow(Add(Symbol('a'), Symbol('b')), Integer(2))"), "(a + b)**2");
  EXPECT_EQ(printed("Max(Integer(3), FloorDiv(Symbol('s0'), Integer(2)))"), "Max(3, FloorDiv(s0, 2))");
}

TEST(SympyExpr, RefusesWhatIsNoExpression) {
  for (const char* text : {"", "Symbol(", "Symbol()", "Symbol('s0'", "Symbol('s0", "Integer(4", "Integer(4))", "Add(,)",
                           "Mul(Integer(4) Symbol('s'))", "Integer(99999999999999999999)", "-", "a b", "Symbol('s', 3)",
                           "Add(Integer(1),)", "(1)", "'s'", "."}) {
    expect_error("pt2.expression", "at byte", [&] { parse_sympy(text); });
  }
}

TEST(SympyExpr, LimitsTheDepthOfNesting) {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "Add(";
    return text + "1" + std::string(static_cast<size_t>(depth), ')');
  };
  EXPECT_EQ(parse_sympy(nested(100)).args.size(), 1u);
  expect_error("pt2.expression", "too deep", [&] { parse_sympy(nested(1'000'000)); });
  for (const char* step : {"f(a=", "Symbol('s', a="}) {
    std::string keywords;
    for (int i = 0; i < 1'000'000; ++i) keywords += step;
    expect_error("pt2.expression", "too deep", [&] { parse_sympy(keywords); });
  }
}

TEST(SympyExpr, LimitsTheNumberOfTerms) {
  const auto sum = [](int terms) {
    std::string text = "Add(Symbol('s0')";
    for (int i = 1; i < terms; ++i) text += ", Symbol('s" + std::to_string(i) + "')";
    return text + ")";
  };
  EXPECT_EQ(parse_sympy(sum(500)).args.size(), 500u);
  expect_error("pt2.expression", "too many terms", [&] { parse_sympy(sum(600)); });
}

}  // namespace
}  // namespace graftwork::core::pt2
