// The printed form: what it prints, what it parses, what it refuses, and where.
#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/text/literal.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

void expect_canonical(const std::string& text) {
  const GraphModule module = testing::parse_network(text);
  verify(module);
  EXPECT_EQ(print(module), text);
}

TEST(Print, WritesEverythingThatParsingNeedsAndNothingElse) {
  expect_canonical(
      "graph(%x: f32[s0, 3, 8, 8], %n: int, %u: ?) {\n"
      "  %w = constant permute(concat([@a.b: f32[2, 3], slice(@c: f32[4, 3], 0, 1, 3)], 0), [1, 0])\n"
      "  %m = constant multiply(@g: f16[2], view(@h: f16[2, 1], [2]))\n"
      "  %c = nn.Conv2d @stem.0(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], bias=none}\n"
      "  %d = nn.Conv2d @stem.0(%x)\n"
      "  %p = nn.PReLU @p(%c) {weight=@shared: f32[1]}\n"
      "  %t: (f32[s0, 2*s0+1], (int, bool), ?) = my.operator(%p, %n) {a=[$1, 2, none], b=\"text \\\"here\\\"\", "
      "c=-inf, d=nan, "
      "e=f16, f=true, g=1e-05, h=[], i=none}\n"
      "  %i = get_item(%t) {index=0}\n"
      "  %a = aten.relu.default(%i)\n"
      "  return first=%a, %u, last=%d\n"
      "}\n");
}

TEST(Print, TheExampleOfTheDocumentIsCanonical) {
  const std::string document = read_text(GRAFTWORK_TEST_DIR "/../docs/ir.md");
  const size_t begin = document.find("graph(");
  expect_canonical(document.substr(begin, document.find("```", begin) - begin));
}

TEST(Print, WritesAnEmptyNetwork) {
  expect_canonical("graph() {\n  return\n}\n");
  expect_canonical("graph(%x: bool[]) {\n  return %x, %x\n}\n");
}

TEST(Print, DescribesEachModuleOnce) {
  expect_canonical(
      "graph(%x: f32[1, 4, 8, 8]) {\n"
      "  %a = FusedConvBNAct @FusedConvBNAct_0(%x) {stubs=[0]} [conv=nn.Conv2d @c {in_channels=4, out_channels=4, "
      "kernel_size=[1, 1]}, "
      "act=nn.ReLU @r]\n"
      "  %b = FusedConvBN @FusedConvBN_0(%a) [conv=nn.Conv2d @c]\n"
      "  %d = nn.Conv2d @c(%b)\n"
      "  %e = FusedConvBNAct @FusedConvBNAct_0(%d)\n"
      "  return %e\n"
      "}\n");
}

TEST(Print, QuotesNamesThatAreNoWords) {
  expect_canonical(
      "graph(%\"a b\": f32[2], %\"-\": f32[2], %\".a\": f32[2], %0.a-b: f32[2]) {\n"
      "  %\"\\n\" = nn.ReLU @\"path/with slash\"(%\"a b\")\n"
      "  %e = \"an operator\"(%\"-\") {\"an attribute\"=1}\n"
      "  return \"%\"=%\"\\n\", \"}\"=%e, \".\"=%0.a-b\n"
      "}\n");
}

TEST(Print, TellsValuesOfOneNameApart) {
  GraphModule module;
  Node* x = &module.add_input("x", TensorType{DType::kF32, {2}});
  for (const char* name : {"x", "x_1", "x", ""})
    x = &module.add_call_function("aten.neg.default", name, std::span(&x, 1), {});
  module.add_output(std::span(&x, 1), {""});
  EXPECT_EQ(print(module),
            "graph(%x: f32[2]) {\n"
            "  %x_1 = aten.neg.default(%x)\n"
            "  %x_1_1 = aten.neg.default(%x_1)\n"
            "  %x_2 = aten.neg.default(%x_1_1)\n"
            "  %v = aten.neg.default(%x_2)\n"
            "  return %v\n"
            "}\n");
  EXPECT_EQ(print(testing::parse_network(print(module))), print(module));
}

TEST(Print, ManyValuesOfOneNameCostLittle) {
  GraphModule module;
  Node* x = &module.add_input("x", TensorType{DType::kF32, {2}});
  for (int i = 0; i < 20'000; ++i) x = &module.add_call_function("aten.neg.default", "x", std::span(&x, 1), {});
  module.add_output(std::span(&x, 1), {""});
  const std::string text = print(module);  // quadratic numbering would not come back
  EXPECT_NE(text.find("%x_20000 = "), std::string::npos);
}

TEST(Print, ShowsAllTypesOnRequest) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[2, 4]) {\n  %y = nn.Linear @l(%x) {in_features=4, out_features=3}\n  return %y\n}\n");
  EXPECT_NE(print(module, ShowTypes::kAlways).find("%y: f32[2, 3] = nn.Linear"), std::string::npos);
  EXPECT_FALSE(difference(testing::parse_network(print(module, ShowTypes::kAlways)), module));
}

TEST(Print, KeepsATypeThatIsNotInferred) {
  expect_canonical(
      "graph(%x: f32[2, 4]) {\n  %y: f32[s0, 3] = nn.Linear @l(%x) {in_features=4, out_features=3}\n  return %y\n}\n");
}

TEST(Parse, TakesCommentsSpacesAndDefaults) {
  const GraphModule module = testing::parse_network(
      "// a network\n"
      "graph ( % x : f32 [ 2 , 4 ] , ) { // inputs\n"
      "  %y = nn.Linear @fc (%x,) {in_features=4, out_features=3, bias=@fc.bias: f32[3],}\n"
      "  return y = %y }\n");
  EXPECT_EQ(print(module),
            "graph(%x: f32[2, 4]) {\n  %y = nn.Linear @fc(%x) {in_features=4, out_features=3}\n  return y=%y\n}\n");
}

TEST(Parse, GivesModulesTheParametersOfTheirKind) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[2, 4, 8, 8]) {\n"
      "  %b = nn.BatchNorm2d @bn(%x) {num_features=4, weight=none}\n"
      "  return %b\n"
      "}\n");
  const ModuleRecord& record = module.record(module.graph().output()->input(0));
  EXPECT_EQ(record.param("weight"), nullptr);
  ASSERT_NE(record.param("running_var"), nullptr);
  EXPECT_EQ(record.param("running_var")->text(), "@bn.running_var: f32[4]");
}

TEST(Parse, LeavesAScaleOutUntilCalibration) {
  expect_canonical("graph(%x: f32[2]) {\n  %q = QuantStub @q(%x)\n  return %q\n}\n");
  expect_canonical("graph(%x: f32[2]) {\n  %q = QuantStub @q(%x) {scale=@q.scale: f32[]}\n  return %q\n}\n");
}

struct WrongText {
  const char* text;
  const char* place;
  const char* message;
};

class WrongTextTest : public ::testing::TestWithParam<WrongText> {};

TEST_P(WrongTextTest, IsRefusedWithItsPlace) {
  const WrongText& wrong = GetParam();
  try {
    testing::parse_network(wrong.text, "a.gir");
    FAIL() << "this was parsed:\n" << wrong.text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "gir.syntax");
    ASSERT_FALSE(error.context().empty()) << error.report();
    EXPECT_EQ(error.context()[0], std::string("a.gir:") + wrong.place) << error.report();
    EXPECT_NE(error.message().find(wrong.message), std::string::npos) << error.report();
  }
}

// Each text begins with a graph of one input %x: f32[2, 4] where that is not the point.
#define GRAFTWORK_BODY(text) "graph(%x: f32[2, 4]) {\n" text
INSTANTIATE_TEST_SUITE_P(
    All, WrongTextTest,
    ::testing::Values(
        WrongText{"", "1:1", "expected \"graph\""}, WrongText{"network()", "1:1", "starts with \"graph(\""},
        WrongText{"graph(%x f32[2])", "1:10", "expected \":\" and found \"f32\""},
        WrongText{"graph(x: f32[2])", "1:7", "expected \"%\""},
        WrongText{"graph(%: f32[2])", "1:8", "expected a value name"},
        WrongText{"graph(%x: f33[2])", "1:11", "\"f33\" is no type"},
        WrongText{"graph(%x: f32[2, +])", "1:18", "\"+\" is no dimension"},
        WrongText{"graph(%x: f32[-2])", "1:15", "\"-2\" is no dimension"},
        WrongText{"graph(%x: f32[2)", "1:15", "is no dimension"},
        WrongText{"graph(%x: int", "1:14", "the end of the text"},
        WrongText{"graph(%x: f32[2], %x: f32[2]) {}", "1:19", "%x is defined twice"},
        WrongText{"graph() {\n  return\n", "3:1", "expected the name of a result"},
        WrongText{"graph() {\n  return\n} more", "3:3", "text follows"},
        WrongText{GRAFTWORK_BODY("  %y = aten.neg.default(%z)\n  return %y\n}"), "2:25", "%z is not defined above"},
        WrongText{GRAFTWORK_BODY("  %y = aten.neg.default(%y)\n  return %y\n}"), "2:25", "%y is not defined above"},
        WrongText{GRAFTWORK_BODY("  %x = aten.neg.default(%x)\n  return %x\n}"), "2:3", "%x is defined twice"},
        WrongText{GRAFTWORK_BODY("  %y = 3\n  return %y\n}"), "2:8", "expected an operator"},
        WrongText{GRAFTWORK_BODY("  %y = nn.Magic @m(%x)\n  return %y\n}"), "2:8", "there is no module kind nn.Magic"},
        WrongText{GRAFTWORK_BODY("  %y = aten.relu.default @m(%x)\n  return %y\n}"), "2:8",
                  "there is no module kind aten.relu.default"},
        WrongText{GRAFTWORK_BODY("  %y = nn.ReLU @m(%x) {slope=1}\n  return %y\n}"), "2:24",
                  "nn.ReLU has no attribute slope"},
        WrongText{GRAFTWORK_BODY("  %y = nn.Linear @m(%x) {in_features=4}\n  return %y\n}"), "2:3",
                  "needs the attribute out_features"},
        WrongText{GRAFTWORK_BODY("  %y = nn.Linear @m(%x) {in_features=4, out_features=2, weight=3}\n  return %y\n}"),
                  "2:57", "weight is a parameter"},
        WrongText{GRAFTWORK_BODY("  %y = nn.Linear @m(%x) {in_features=5, out_features=2}\n  return %y\n}"), "2:3",
                  "takes 5 features"},
        WrongText{GRAFTWORK_BODY("  %y = nn.ReLU @m(%x)\n  %z = nn.Tanh @m(%y)\n  return %z\n}"), "3:8",
                  "@m is a module of another kind above"},
        WrongText{GRAFTWORK_BODY("  %y = nn.GELU @m(%x)\n  %z = nn.GELU @m(%y) {approximate=\"tanh\"}\n  return %z\n}"),
                  "3:23", "@m is described above already"},
        WrongText{GRAFTWORK_BODY("  %y = FusedActAdd @m(%x, %x) [act=FusedActAdd @m [act=nn.ReLU @r]]\n  return %y\n}"),
                  "2:8", "@m cannot be a part of itself"},
        WrongText{GRAFTWORK_BODY("  %y: f32[3] = nn.ReLU @m(%x)\n  return %y\n}"), "2:16",
                  "%y is declared f32[3] and would be f32[2, 4]"},
        WrongText{GRAFTWORK_BODY("  %y = constant sum(@a: f32[2])\n  return %y\n}"), "2:17",
                  "\"sum\" is no parameter expression"},
        WrongText{GRAFTWORK_BODY("  %y = constant @a: int\n  return %y\n}"), "2:21",
                  "a stored tensor has a tensor type"},
        WrongText{GRAFTWORK_BODY("  %y = constant @a: f32[s0]\n  return %y\n}"), "2:3", "has no fixed shape"},
        WrongText{GRAFTWORK_BODY("  %y = constant view(@a: f32[4], [3])\n  return %y\n}"), "2:3", "cannot view"},
        WrongText{GRAFTWORK_BODY("  %y = op(%x) {a=maybe}\n  return %y\n}"), "2:18", "\"maybe\" is no constant"},
        WrongText{GRAFTWORK_BODY("  %y = op(%x) {a=1e999}\n  return %y\n}"), "2:18", "\"1e999\" is no constant"},
        WrongText{GRAFTWORK_BODY("  %y = op(%x) {a=[$0, $1]}\n  return %y\n}"), "2:23", "there is no input 1"},
        WrongText{GRAFTWORK_BODY("  %y = op(%x) {a=$-1}\n  return %y\n}"), "2:18", "there is no input -1"},
        WrongText{GRAFTWORK_BODY("  %y = op(%x) {a=\"open}\n  return %y\n}"), "2:18", "the string is not closed"},
        WrongText{GRAFTWORK_BODY("  %y = get_item(%x)\n  return %y\n}"), "2:8", "get_item(%tuple) {index=0}"},
        WrongText{GRAFTWORK_BODY("  %t: (int, int) = op(%x)\n  %y = get_item(%t) {index=2}\n  return %y\n}"), "3:3",
                  "element 2 of (int, int) does not exist"},
        WrongText{GRAFTWORK_BODY("  return y%x\n}"), "2:11", "expected \"=\""}));
#undef GRAFTWORK_BODY

std::string repeated(const std::string& text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST(Parse, PartsAreThoseOfTheKind) {
  const auto parts = [](const std::string& written) {
    return testing::parse_network("graph(%x: f32[2, 8]) {\n  %y = FusedLinearAct @f(%x) [" + written +
                                  "]\n  return %y\n}\n");
  };
  const std::string linear = "linear=nn.Linear @l {in_features=8, out_features=4}";
  const std::string act = "act=nn.ReLU @r";
  EXPECT_NO_THROW(parts(linear + ", " + act));
  EXPECT_NO_THROW(parts(linear + ", " + act + ", weight_fake_quant=WeightFakeQuantize @q"));
  EXPECT_THROW(parts(linear), Error);
  EXPECT_THROW(parts(linear + ", " + act + ", " + act), Error);
  EXPECT_THROW(parts(linear + ", " + act + ", pool=nn.ReLU @p"), Error);
  EXPECT_THROW(parts(linear + ", " + act + ", weight_fake_quant=nn.ReLU @q"), Error);
  EXPECT_THROW(parts(linear + ", " + act + ", x_quant=QuantStub @q"), Error) << "an input is quantized outside";
}

TEST(Parse, ParametersHaveTheShapeOfTheirKind) {
  const auto weight = [](const std::string& type) {
    return testing::parse_network(
        "graph(%x: f32[2, 8]) {\n  %y = nn.Linear @l(%x) {in_features=8, out_features=4, weight=@w: " + type +
        "}\n  return %y\n}\n");
  };
  EXPECT_NO_THROW(weight("f32[4, 8]"));
  EXPECT_THROW(weight("f32[8, 4]"), Error);
  EXPECT_THROW(weight("f32[32]"), Error);
}

TEST(Parse, OnlyTuplesHaveElements) {
  EXPECT_THROW(testing::parse_network("graph(%x: f32[2]) {\n  %y = get_item(%x) {index=0}\n  return %y\n}\n"), Error);
  EXPECT_NO_THROW(testing::parse_network("graph(%x: ?) {\n  %y = get_item(%x) {index=0}\n  return %y\n}\n"));
  EXPECT_THROW(testing::parse_network("graph(%x: \"f32\"[2]) {\n  return %x\n}\n"), Error);
}

TEST(Literal, IsOneToken) {
  const auto read = [](std::string_view text) {
    const auto value = parse_literal(Lexer(text, "t").take());
    return value ? value->text() : "nothing";
  };
  EXPECT_EQ(read("none"), "none");
  EXPECT_EQ(read("true"), "true");
  EXPECT_EQ(read("f16"), "f16");
  EXPECT_EQ(read("\"none\""), "\"none\"");
  EXPECT_EQ(read("-7"), "-7");
  EXPECT_EQ(read("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(read("9223372036854775808"), Attribute(9223372036854775808.0).text()) << "beyond 64 bits it is a float";
  EXPECT_EQ(read("1e-05"), "1e-05");
  EXPECT_EQ(read("-inf"), "-inf");
  EXPECT_EQ(read("nan"), "nan");
  for (const char* none : {"", "[", "relu", "1x", "0x10", "1e999"}) EXPECT_EQ(read(none), "nothing") << none;
}

TEST(Literal, OfAnIntegerIsANumberAlone) {
  const auto read = [](std::string_view text) { return parse_integer(Lexer(text, "t").take()); };
  EXPECT_EQ(read("-7"), -7);
  for (const char* none : {"", "1.0", "1x", "true", "\"1\"", "9223372036854775808"})
    EXPECT_EQ(read(none), std::nullopt);
}

TEST(Parse, RefusesDeepNestingInsteadOfRunningOutOfStack) {
  const std::vector<std::string> deep{
      "graph(%x: " + repeated("(", 100'000),
      "graph(%x: f32[2]) {\n  %y = op(%x) {a=" + repeated("[", 100'000),
      "graph(%x: f32[2]) {\n  %y = constant " + repeated("view(", 100'000),
      "graph(%x: f32[2]) {\n  %y = constant " + repeated("concat([", 100'000),
      "graph(%x: f32[2]) {\n  %y = FusedLinear @a(%x)" + repeated(" [linear=FusedLinear @a", 100'000),
  };
  for (const std::string& text : deep) {
    try {
      testing::parse_network(text);
      ADD_FAILURE() << text.substr(0, 60);
    } catch (const Error& error) {
      EXPECT_NE(error.message().find("nested deeper than"), std::string::npos) << error.report();
    }
  }
}

TEST(Parse, AnyDamageIsAnErrorOfOurs) {
  const std::string text =
      "graph(%x: f32[s0, 3, 8, 8]) {\n"
      "  %w = constant permute(@a.b: f32[2, 3], [1, 0])\n"
      "  %c = nn.Conv2d @stem(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], groups=1, bias=none}\n"
      "  %f = FusedConvBNAct @F_0(%x) {stubs=[0]} [conv=nn.Conv2d @stem, act=nn.ReLU @r]\n"
      "  %t: (f32[2], int) = op(%c, %f) {a=[$1, \"t\"], b=1.5}\n"
      "  %i = get_item(%t) {index=0}\n"
      "  return out=%i\n"
      "}\n";
  testing::parse_network(text);
  size_t refused = 0;
  const auto attempt = [&](const std::string& damaged) {
    try {
      testing::parse_network(damaged);
    } catch (const Error&) {
      ++refused;
    }
  };
  for (size_t at = 0; at < text.size(); ++at) {
    attempt(text.substr(0, at));
    attempt(text.substr(0, at) + text.substr(at + 1));
    for (const char* put : {"-", "0", "[", "\"", "%", "99999999999"})
      attempt(text.substr(0, at) + put + text.substr(at + 1));
  }
  EXPECT_GT(refused, text.size() * 4);
}

}  // namespace
}  // namespace graftwork::core
