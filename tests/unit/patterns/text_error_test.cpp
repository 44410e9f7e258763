// What is wrong with a pattern file: one message, with its place and what to do; whatever the bytes are.
#include <gtest/gtest.h>

#include <random>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"
#include "graftwork/patterns/text/parse.h"

namespace graftwork::core {
namespace {

/// "line:column: message (try hint)".
std::string error_of(const std::string& text) {
  try {
    parse_patterns(text, "f", tensorrt_backend().kinds);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "gpat.syntax") << error.report();
    EXPECT_EQ(error.context().size(), 1u);
    const std::string place = error.context().empty() ? "" : error.context()[0];
    return place + ": " + error.message() + (error.hint().empty() ? "" : " (try " + error.hint() + ")");
  }
  return "no error";
}

/// The same for the body of one fusion; columns count from the body's start.
std::string error_in(const std::string& body) { return error_of("fusion F {\n" + body + "\n}"); }

TEST(TextErrors, WhatIsNoPattern) {
  EXPECT_EQ(error_of(""), "f:1:1: there is no pattern in the file (try fusion NAME { ... => ... })");
  EXPECT_EQ(error_of("graph(%x)"),
            "f:1:1: \"graph\" starts no pattern (try recomposition, conversion, fusion, kernel, converted, or let)");
  EXPECT_EQ(error_of("fusion { }"), "f:1:8: expected the name of the pattern and found \"{\"");
  EXPECT_EQ(error_of("fusion F"), "f:1:9: expected \"{\" and found the end of the text");
  EXPECT_EQ(error_of("fusion F {\n}"),
            "f:2:1: expected a position, \"%name = operator(%inputs)\", or \"=>\" and found \"}\"");
  EXPECT_EQ(error_in("=> %x"),
            "f:2:1: expected a position in front of \"=>\" and found \"=\" (try what to find: %y = nn.ReLU(%x))");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) =>"),
            "f:1:8: there is nothing behind \"=>\" in F (try what to put there, or: erase %name)");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) => %y nn"),
            "f:2:24: expected a result, \"%name = ...\", \"%name\" or \"erase %name\", or \"}\" and found \"nn\"");
  EXPECT_EQ(error_of("fusion F { %y = nn.ReLU(%x) => %x } fusion F { %y = nn.ReLU(%x) => %x }"),
            "f:1:44: there are two patterns F (try another name)");
}

TEST(TextErrors, NamesOfOperators) {
  EXPECT_EQ(error_in("%y = nn.Relu(%x) => %x"),
            "f:2:6: there is no module kind, operator or set \"nn.Relu\" (try nn.ReLU)");
  EXPECT_EQ(error_in("%y = frobnicate(%x) => %x"),
            "f:2:6: there is no module kind, operator or set \"frobnicate\" (try a kind (nn.Conv2d), an operator's "
            "whole name (aten.relu.default), or a set of \"let\")");
  EXPECT_EQ(error_in("%y = nn.ReLU | any(%x) => %x"),
            "f:2:16: \"any\" stands for every operator already (try any(%x) alone)");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x, %z) => %x"), "f:2:1: nn.ReLU never has 2 inputs (try 1 operand)");
  EXPECT_EQ(error_of("let a = nn.ReLU let a = nn.SiLU"), "f:1:21: the set a is defined twice (try another name)");
  EXPECT_EQ(error_of("let nn.x = nn.ReLU"), "f:1:5: \"nn.x\" cannot name a set (try a word without \".\")");
}

TEST(TextErrors, ConstantsWithoutAValue) {
  EXPECT_EQ(error_in("%y = nn.Conv2d(%x) where groups == none % 2 => %x").substr(0, 4), "f:2:");
  EXPECT_EQ(error_in("%y = nn.Conv2d(%x) where groups == none % 2 => %x").find("known"), std::string::npos);
}

TEST(TextErrors, NamesOfValues) {
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) %y = nn.ReLU(%y) => %x"), "f:2:18: %y is defined twice (try another name)");
  EXPECT_EQ(error_in("%z = nn.ReLU(%y) %y = nn.ReLU(%x) => %x"),
            "f:2:14: %y is read before it is defined (try the order of dataflow)");
  EXPECT_EQ(error_in("%y = aten.add.Tensor(%x, %residual) => %x"),
            "f:2:26: %residual stands here and nowhere else (try %_ for a value that does not matter)");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) => %z = nn.ReLU(%w) %y = %z"), "f:2:34: nothing is named %w (try %x, %y)");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where %z.rank == 4 => %x"), "f:2:24: nothing is named %z (try %x, %y)");
  EXPECT_EQ(error_in("%y.z = nn.ReLU(%x) => %x"), "f:2:1: %y.z is no name (try a name without \".\")");
  EXPECT_EQ(error_in("%_ = nn.ReLU(%x) => %x"), "f:2:1: %_ has no name to define (try a name of its own)");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where %x.rank-1 == 4 => %x"),
            "f:2:24: \"-\" stands inside the name %x.rank-1 (try letters, digits and \"_\" in names, and a blank in "
            "front of a minus)");
}

TEST(TextErrors, Conditions) {
  EXPECT_EQ(
      error_in("%y = nn.Linear(%x) where kernel_size == 1 => %x"),
      "f:2:26: nn.Linear has no attribute kernel_size (try rank, shape, dtype, type, users, op, module, or one of "
      "its own: in_features, out_features)");
  EXPECT_EQ(
      error_in("%y = nn.ReLU(%x) where %x.size == 1 => %x"),
      "f:2:24: %x may be anything, so that nothing is known of its size (try rank, shape, dtype, type, users, op, "
      "module, or %x.attr.size)");
  EXPECT_EQ(error_in("%y = nn.Conv2d(%x) where kernel_size == 3 => %x"),
            "f:2:41: kernel_size of nn.Conv2d is never 3 (try 2 integers of at least 1)");
  EXPECT_EQ(error_in("%y = nn.Conv2d(%x) {groups=0} => %x"),
            "f:2:28: groups of nn.Conv2d is never 0 (try an integer of at least 1)");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where rank = 4 => %x"), "f:2:29: \"=\" compares nothing: write \"==\"");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where 1 == 1 => %x"),
            "f:2:26: the condition asks nothing of the match (try %name.rank == 4)");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where view(%x, [1]) == 1 => %x"),
            "f:2:24: view(...) makes a parameter, and this is none (try it where a module's parameter stands)");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where rank in 4 => %x"),
            "f:2:32: expected a list behind \"in\" and found \"4\" (try in [1, 2])");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where shape[rank] == 4 => %x"), "f:2:30: \"rank\" is no number");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where rank == 4 \"\" => %x"),
            "f:2:34: the reason is empty (try what is in the way: \"it is ...\")");
}

TEST(TextErrors, FormsOfPositions) {
  EXPECT_EQ(error_in("%y = nn.ReLU(%x){3,2} => %x"), "f:2:17: there is no number from 3 to 2 (try {1,4})");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x){0,99999999999} => %x"),
            "f:2:20: expected a number up to 64 and found \"99999999999\"");
  EXPECT_EQ(error_in("%y = aten.add.Tensor(%x, %x)+ => %x"),
            "f:2:1: a quantifier needs exactly one operand (try (%x))");
  EXPECT_EQ(error_in("%w = any(%x, %x) %y = nn.ReLU(%w) => %y = %w(%x)"),
            "f:2:1: any(...) needs exactly one operand (try (%x))");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) commutes => %x"),
            "f:2:18: only two operands can commute (try two operands, or no \"commutes\")");
  EXPECT_EQ(error_in("%w = any(%x)* => %w = nn.ReLU(%x)"),
            "f:2:1: the search starts at %w, and that may be anything (try a pattern that ends with a named operator)");
  EXPECT_EQ(error_in("%w = nn.ReLU(%x)? => %w = nn.ReLU(%x)"),
            "f:2:1: the search starts at %w, and that may be anything (try a pattern that ends with a named operator)");
  EXPECT_EQ(error_in("%k = constant %y = nn.ReLU(%x) => %x"),
            "f:2:1: nothing reads the constant %k (try it as an operand)");
  std::string long_one = "%v0 = nn.ReLU(%x)\n";
  for (int i = 1; i < 32; ++i) long_one += "%v" + std::to_string(i) + " = nn.ReLU(%v" + std::to_string(i - 1) + ")\n";
  EXPECT_EQ(error_in(long_one + "=> %x"), "f:33:1: a pattern has at most 32 positions (try two patterns)");
}

TEST(TextErrors, Results) {
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) %b = nn.Tanh(%z) => %a = %x %b = %z"),
            "f:2:18: %b cannot be reached: it reads nothing that %a is computed from (try results that read a common "
            "value, or two patterns)");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) %b = nn.Tanh(%x)? => %a = %x %b = %x"),
            "f:2:18: %b is a further result of the pattern, and those are plain operators (try an operator without a "
            "quantifier, or reading %b in the one behind it)");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) %b = nn.Tanh(%x) => %a = %x"),
            "f:2:18: nothing reads %b and the graft does not say what becomes of it (try %b = ..., or: erase %b)");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) %b = nn.Tanh(%x) => %x"),
            "f:2:38: the pattern has several results, and this says not which it replaces (try %a = %x)");
  EXPECT_EQ(
      error_in("%a = nn.ReLU(%x) %b = nn.Tanh(%a) => %a = %x %b = %x"),
      "f:2:38: nothing outside the match reads %a, so nothing can take its place (try a result of the pattern, or "
      "a position with \"may_escape\")");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) => %a = %x %a = %x"), "f:2:29: %a is replaced twice (try one of the two)");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) => %a = nn.Tanh(%a)"),
            "f:2:34: the graft reads %a and takes it away (try what it was computed from, or a value made above)");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) => %b = nn.Tanh(%x) %a = %x"),
            "f:2:21: this is made and nothing reads it (try leaving it out)");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) => %b = nn.Tanh(%x) %b = nn.Tanh(%x) %a = %b"),
            "f:2:38: %b is made twice (try another name)");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) => %b = %x %a = %b"),
            "f:2:21: %b is a second name for a value (try the value itself)");
  EXPECT_EQ(error_in("%a = nn.ReLU(%x) => %a = %x(%x)"),
            "f:2:26: %x is no operator that could be called again (try a name of an operator)");
}

TEST(TextErrors, NewModules) {
  const std::string find = "%y = nn.Linear(%x) => %y = ";
  EXPECT_EQ(error_in(find + "nn.Lineer(%x)"),
            "f:2:28: there is no module kind, operator or set \"nn.Lineer\" (try nn.Linear)");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {in_features=1}"),
            "f:2:28: nn.Linear needs the attribute out_features (try {out_features=...})");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {in_features=1, out_features=1}"),
            "f:2:28: nn.Linear needs the parameter weight (try {weight=%name.weight})");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {in_features=1, in_features=1}"),
            "f:2:58: in_features is given twice (try one of the two)");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {features=1}"),
            "f:2:43: nn.Linear has no attribute features (try in_features, out_features, weight, bias)");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {in_features=1.5}"),
            "f:2:55: nn.Linear does not take 1.5 as in_features (try an integer of at least 1)");
  EXPECT_EQ(
      error_in(find + "nn.Linear(%x) {in_features=%y.features}"),
      "f:2:55: nn.Linear has no attribute features (try rank, shape, dtype, type, users, op, module, or one of its "
      "own: in_features, out_features)");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {in_features=rank}"),
            "f:2:55: \"rank\" is no value (try %name.rank, with the name of what was matched)");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {weight=%y.gamma}"),
            "f:2:50: %y has no parameter gamma (try the name of a parameter of its kind, as printed networks show "
            "it)");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {weight=%x}"),
            "f:2:50: %x is no constant (try %x = constant in the pattern, or a parameter of a module)");
  EXPECT_EQ(
      error_in(find + "nn.Linear(%x) {weight=3}"),
      "f:2:50: 3 is no parameter (try %name.weight, a constant's %name, or view, permute, slice, concat or multiply "
      "of them)");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {weight=view(%y.weight)}"), "f:2:50: view takes 2 arguments, not 1");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {weight=concat(%y.weight, 0)}"),
            "f:2:50: concat takes a list of parameters (try concat([%a.weight, %b.weight], 0))");
  EXPECT_EQ(error_in(find + "nn.Linear(%x) {weight=transpose(%y.weight, 0)}"),
            "f:2:50: \"transpose\" is no function (try view, permute, slice, concat or multiply)");
  EXPECT_EQ(error_in(find + "nn.Linear(%x, %x)"), "f:2:28: nn.Linear takes 1 operand, not 2 (try an operand for each)");
  EXPECT_EQ(error_in(find + "QuantStub(%x)"),
            "f:2:28: QuantStub is made by quantize, not by a pattern (try a fused kind)");
  EXPECT_EQ(error_in(find + "aten.neg.default @p(%x)"), "f:2:28: aten.neg.default is no module (try no \"@\")");
  EXPECT_EQ(error_in(find + "nn.ReLU(%x) [act=%y]"), "f:2:41: nn.ReLU has no parts (try attributes: {name=value})");
}

TEST(TextErrors, FusedModules) {
  const std::string find = "%c = nn.Conv2d(%x) %b = nn.BatchNorm2d(%c)? %a = nn.ReLU(%b) => %a = ";
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x) [conv=%c, norm=%b, act=%a]"),
            "f:2:99: FusedConvBNAct has no part norm (try conv, bn, act)");
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x) [conv=%c, bn=%b]"),
            "f:2:70: FusedConvBNAct needs the part act (try [act=%name])");
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x) [conv=%c, conv=%c]"),
            "f:2:99: the part conv is given twice (try one of the two)");
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x) [conv=%c, act=%a]"),
            "f:2:20: %b has no place in the graft: what it computes is lost (try it as a part, or %b(...) on another "
            "value)");
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x) [conv=%b, act=%a]"),
            "f:2:95: %b may be absent, and FusedConvBNAct needs its part conv (try a position without \"?\")");
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x) [conv=%a, bn=%b, act=%a]"),
            "f:2:106: the part act is given twice (try one of the two)");
  EXPECT_EQ(
      error_in(find + "FusedConvBNAct(%x) [conv=%a, bn=%b, act=%c]"),
      "f:2:70: the pattern is not what FusedConvBNAct computes at %a: where it has the part act, the pattern has the "
      "part conv (try the kernel's body as tree, or a kernel of its own: kernel NAME(...) [...])");
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x) [conv=%x, bn=%b, act=%a]"),
            "f:2:95: %x is not one module, as the part conv has to be (try a position with module kinds)");
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x, %x) [conv=%c, bn=%b, act=%a]"),
            "f:2:70: FusedConvBNAct takes 1 operand, not 2 (try an operand for each)");
  EXPECT_EQ(error_in(find + "FusedConvBNAct @p(%x) [conv=%c, bn=%b, act=%a]"),
            "f:2:70: FusedConvBNAct is named by its kind (try no \"@\")");
  EXPECT_EQ(error_in(find + "FusedConvBNAct(%x) {stubs=[0]} [conv=%c, bn=%b, act=%a]"),
            "f:2:90: FusedConvBNAct gets its stubs from its kind (try leaving it out)");
}

TEST(TextErrors, BytesThatAreNoText) {
  EXPECT_EQ(error_of(std::string("fusion\0F", 8)),
            "f:1:7: a control character (try a text editor's \"save as UTF-8\")");
  EXPECT_EQ(error_of("// \xC3\xA9 \xC3("), "f:1:7: this is no UTF-8 (try a text editor's \"save as UTF-8\")");
  for (const char* bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8", "\xE2\x82"}) {
    EXPECT_NE(error_of(bad).find("this is no UTF-8"), std::string::npos);
  }
  EXPECT_EQ(error_of("\x1B[31m"), "f:1:1: a control character (try a text editor's \"save as UTF-8\")");
  EXPECT_EQ(error_of("\xEF\xBB\xBF"
                     "conversion C { %y = nn.ReLU(%x) => %x }"),
            "no error");
  EXPECT_EQ(error_in("%\xC3\xA9 = nn.ReLU(%x) => %x"),
            "f:2:2: expected a name behind \"%\" and found a character beyond ASCII");
  EXPECT_EQ(error_in("%y = nn.ReLU(%x) where op == \"never closed => %x"), "f:2:30: the string is not closed");
}

TEST(TextErrors, HostileTextsEndInOneError) {
  const size_t size = size_t{1} << 20;
  const auto repeated = [&](const std::string& start, const std::string& piece) {
    std::string text = start;
    while (text.size() + piece.size() <= size) text += piece;
    return text;
  };
  const std::string find = "fusion F { %y = nn.ReLU(%x) where ", graft = "fusion F { %y = nn.ReLU(%x) => %y = ";
  for (const auto& [start, piece] : std::vector<std::pair<std::string, std::string>>{
           {"", "a"},
           {"", "%"},
           {"", "{"},
           {"", "fusion F { "},
           {"", "let a = "},
           {"let a = nn.ReLU", " | nn.ReLU"},
           {"let a = a.b.c", "|a.b.c"},
           {"fusion F { ", "%y = nn.ReLU(%x) "},
           {"fusion F { %y = my.op.f(", "%x, "},
           {"fusion F { %y = nn.ReLU(%x)", " where rank == 4"},
           {"fusion F { %y = nn.ReLU(%x)", " commutes"},
           {"fusion F { %y = nn.ReLU(%x) {", "inplace=1, "},
           {find, "("},
           {find, "not "},
           {find, "["},
           {find, "1 + "},
           {find, "1 % "},
           {find, "%x.rank == 4 and "},
           {find + "rank in [", "1, "},
           {find + "rank", "[0]"},
           {find, "9"},
           {find, "\""},
           {find, "%x."},
           {graft, "view("},
           {graft + "nn.Linear(%x) {weight=", "view("},
           {graft + "nn.Linear(%x) {in_features=", "[1, "},
           {graft + "nn.Linear(%x) [", "a=%x, "},
           {"fusion F { %y = nn.ReLU(%x) => ", "%z = nn.ReLU(%x) "},
           {"fusion F { %y = nn.ReLU(%x) => ", "%y = %x "},
       }) {
    const std::string error = error_of(repeated(start, piece));
    EXPECT_NE(error, "no error") << start << piece;
    EXPECT_LT(error.size(), 1000u) << start << piece;
  }
  EXPECT_EQ(error_of(std::string(size + 1, ' ')),
            "f: the file has 1.0 MB, and at most 1 MiB is read (try several files)");
}

TEST(TextErrors, SetsOfSetsStaySmall) {
  std::string text = "let s0 = nn.ReLU | nn.SiLU\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "s" + std::to_string(i - 1);
    text += "let s" + std::to_string(i) + " = " + before + " | " + before + " | " + before + "\n";
  }
  EXPECT_EQ(error_of(text + "conversion C { %y = s39(%x) => %x }"), "no error");
}

TEST(TextErrors, MutatedFilesNeverDoAnythingElse) {
  const std::string good = read_text(GRAFTWORK_TEST_DIR "/../src/graftwork/patterns/tensorrt/fusions.gpat");
  std::mt19937 random(7);
  size_t refused = 0;
  const std::string pieces = "%(){}[]=>,.|?*+\"@/ \n$0-9azAZ";
  for (int round = 0; round < 1500; ++round) {
    std::string text = good;
    for (int edit = 0; edit < 1 + round % 3; ++edit) {
      const size_t at = random() % text.size();
      const size_t length = random() % 8;
      const char piece = pieces[random() % pieces.size()];
      switch (random() % 4) {
        case 0:
          text.erase(at, length);
          break;
        case 1:
          text.insert(at, 1, piece);
          break;
        case 2:
          text[at] = piece;
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), length));
      }
    }
    if (error_of(text) != "no error") ++refused;
  }
  EXPECT_GT(refused, 700u);
}

}  // namespace
}  // namespace graftwork::core
