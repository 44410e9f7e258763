// Errors, outcomes, symbols and the text functions.
#include "graftwork/base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <span>
#include <thread>

#include "graftwork/base/content_hash.h"
#include "graftwork/base/error.h"
#include "graftwork/base/hash.h"
#include "graftwork/base/number_text.h"
#include "graftwork/base/outcome.h"
#include "graftwork/base/symbol.h"

namespace graftwork::core {
namespace {

TEST(Error, ReportsWhatWhereAndWhatToDo) {
  Error error("pt2.truncated", "the archive ends early", "exporting the model again");
  error.at("data/weights/weight_3").at("model.pt2");
  EXPECT_EQ(error.report(),
            "error[pt2.truncated]: the archive ends early\n"
            "  at  data/weights/weight_3\n"
            "  at  model.pt2\n"
            "  try exporting the model again");
  EXPECT_EQ(std::string(error.what()), error.report());
  EXPECT_EQ(error.code(), "pt2.truncated");
}

TEST(Error, GainsContextWhileItIsThrown) {
  try {
    try {
      throw Error("a.b", "wrong").at("inside");
    } catch (Error& error) {
      error.at("outside");
      throw;
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.context(), (std::vector<std::string>{"inside", "outside"}));
    EXPECT_EQ(error.hint(), "");
    EXPECT_EQ(error.report(), "error[a.b]: wrong\n  at  inside\n  at  outside");
  }
}

TEST(Error, TellsAFileOnce) {
  Error error("a.code", "what", "this");
  error.at("file").at("entry").at("file").at("file");
  EXPECT_EQ(error.report(), "error[a.code]: what\n  at  file\n  at  entry\n  try this");
  EXPECT_EQ(error.context().size(), 2u);
}

TEST(Error, AFailedAssertionNamesConditionAndPlace) {
  const auto broken = [] { GRAFTWORK_ASSERT(1 + 1 == 3); };
  try {
    broken();
    FAIL() << "nothing was thrown";
  } catch (const InternalError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("1 + 1 == 3 does not hold"), std::string::npos) << what;
    EXPECT_NE(what.find("text_test.cpp:"), std::string::npos) << what;
  }
  EXPECT_NO_THROW(GRAFTWORK_ASSERT(true));
}

TEST(Outcome, IsTrueOrHasAReason) {
  EXPECT_TRUE(applied());
  EXPECT_EQ(applied().reason(), "");
  EXPECT_FALSE(declined("too small"));
  EXPECT_EQ(declined("too small").reason(), "too small");
}

TEST(Symbol, IsOneForOneText) {
  EXPECT_EQ(Symbol("nn.ReLU"), Symbol(std::string("nn.") + "ReLU"));
  EXPECT_NE(Symbol("nn.ReLU"), Symbol("nn.relu"));
  EXPECT_EQ(Symbol("nn.ReLU").str(), "nn.ReLU");
  EXPECT_TRUE(Symbol().empty());
  EXPECT_EQ(Symbol(), Symbol(""));
}

TEST(Symbol, IsOfTheTextAndNotOfItsAddress) {
  std::array<char, 8> buffer{};
  for (const char* text : {"first", "second", "first"}) {
    std::strcpy(buffer.data(), text);
    EXPECT_EQ(Symbol(buffer.data()).str(), text);
    EXPECT_EQ(Symbol(buffer.data()), Symbol(std::string(text)));
  }
}

TEST(Symbol, StaysWhatItIsWhileTheTableGrows) {
  std::vector<Symbol> symbols;
  for (int i = 0; i < 30'000; ++i) symbols.emplace_back(cat("growing.", i));
  for (int i = 0; i < 30'000; ++i) {
    ASSERT_EQ(symbols[static_cast<size_t>(i)].str(), cat("growing.", i));
    ASSERT_EQ(Symbol(cat("growing.", i)), symbols[static_cast<size_t>(i)]);
  }
}

TEST(Symbol, IsOrderedByItsText) {
  const Symbol later("zebra.of.this.test");
  const Symbol earlier("ant.of.this.test");
  EXPECT_LT(earlier, later);
  EXPECT_GT(later, earlier);
  EXPECT_EQ(later <=> later, std::strong_ordering::equal);
}

TEST(Symbol, IsTheSameInEveryThread) {
  std::vector<std::vector<Symbol>> seen(4);
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 1000; ++i) mine.emplace_back(cat("thread.symbol.", i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : seen) EXPECT_EQ(mine, seen[0]);
  EXPECT_EQ(seen[0][999].str(), "thread.symbol.999");
}

TEST(Text, ShortestReadsBackAndShowsThatItIsNoInteger) {
  EXPECT_EQ(shortest(1), "1.0");
  EXPECT_EQ(shortest(-0.0), "-0.0");
  EXPECT_EQ(shortest(0.1), "0.1");
  EXPECT_EQ(shortest(1e-5), "1e-05");
  EXPECT_EQ(shortest(1e300), "1e+300");
  EXPECT_EQ(shortest(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(shortest(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(shortest(std::numeric_limits<double>::quiet_NaN()), "nan");
  for (const double value : {1.0 / 3, 1e-310, 123456789012345678.0, std::numeric_limits<double>::max()}) {
    EXPECT_EQ(std::strtod(shortest(value).c_str(), nullptr), value);
  }
}

TEST(Text, QuotedEscapesWhatWouldEndOrHideTheText) {
  EXPECT_EQ(quoted("plain"), "\"plain\"");
  EXPECT_EQ(quoted("a\"b\\c\nd\te"), R"("a\"b\\c\nd\te")");
  EXPECT_EQ(quoted(std::string_view("\0\x1f\x7f", 3)), R"("\x00\x1f\x7f")");
  EXPECT_EQ(quoted("7×7"), "\"7×7\"");
  EXPECT_EQ(quoted("a\u202eb"), R"("a\xe2\x80\xaeb")");
}

TEST(Text, VisibleEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(visible("größe 7×7 图 🙂"), "größe 7×7 图 🙂");
  EXPECT_EQ(visible("\x1b[2Jx\r\n\t\x7f"), R"(\x1b[2Jx\x0d\x0a\x09\x7f)");
  EXPECT_EQ(visible("a\nb\t", true), "a\nb\\x09");
  EXPECT_EQ(visible(std::string_view("\0", 1)), R"(\x00)");
  for (const std::string_view hidden :
       {"\u0085", "\u061c", "\u200b", "\u200f", "\u2028", "\u202e", "\u2066", "\ufeff", "\U000e0041"})
    EXPECT_EQ(visible(hidden).substr(0, 2), "\\x") << visible(hidden);
}

TEST(Text, VisibleEscapesWhatIsNoUtf8) {
  for (const auto& [bytes, shown] :
       std::vector<std::pair<std::string, std::string>>{{"\xff", R"(\xff)"},                  // no first byte
                                                        {"\xc3", R"(\xc3)"},                  // cut short
                                                        {"\xc3(", R"(\xc3()"},                // no second byte
                                                        {"\xc0\xaf", R"(\xc0\xaf)"},          // a longer form of '/'
                                                        {"\xe0\x80\xaf", R"(\xe0\x80\xaf)"},  // the same
                                                        {"\xed\xa0\x80", R"(\xed\xa0\x80)"},  // half of a pair
                                                        {"\xf4\x90\x80\x80", R"(\xf4\x90\x80\x80)"}})
    EXPECT_EQ(visible(bytes), shown);
}

TEST(Text, SnakeCaseKnowsAbbreviations) {
  EXPECT_EQ(snake_case("FusedConvBNAct"), "fused_conv_bn_act");
  EXPECT_EQ(snake_case("FusedConvBNActMaxPool_12"), "fused_conv_bn_act_max_pool_12");
  EXPECT_EQ(snake_case("FusedAdaptiveAvgPool2d"), "fused_adaptive_avg_pool2d");
  EXPECT_EQ(snake_case("MHAInProjection"), "mha_in_projection");
  EXPECT_EQ(snake_case("BN"), "bn");
  EXPECT_EQ(snake_case("relu"), "relu");
  EXPECT_EQ(snake_case(""), "");
}

TEST(Text, JoinsCountsAndWeighs) {
  EXPECT_EQ(join({}), "");
  EXPECT_EQ(join({"a"}), "a");
  EXPECT_EQ(join({"a", "b", "c"}, " < "), "a < b < c");
  EXPECT_EQ(counted(0, "stub"), "0 stubs");
  EXPECT_EQ(counted(1, "stub"), "1 stub");
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(12'300'000), "12.3 MB");
  EXPECT_EQ(human_bytes(5'000'000'000'000'000), "5.0 PB");
  EXPECT_EQ(human_bytes(std::numeric_limits<uint64_t>::max()), "18.4 EB");
}

TEST(NumberText, HasTheDigitsThatAreAskedFor) {
  EXPECT_EQ(fixed(2.4, 2), "2.40");
  EXPECT_EQ(fixed(-0.05, 0), "-0");
  EXPECT_EQ(fixed(1e300, 1).size(), 303U) << "whatever the length";
  EXPECT_EQ(short_number(0.0123456), "0.0123");
  EXPECT_EQ(short_number(1.5), "1.5");
  EXPECT_EQ(short_number(1234567, 2), "1.2e+06");
}

TEST(Hash, IsFnv1a) {
  EXPECT_EQ(hash_digits(hash_text("")), "cbf29ce484222325");
  EXPECT_EQ(hash_digits(hash_text("a")), "af63dc4c8601ec8c");
  EXPECT_EQ(hash_digits(hash_text("foobar")), "85944171f73967e8");
  EXPECT_EQ(hash_digits(0xab), "00000000000000ab");
  EXPECT_EQ(hash_on(hash_on(kHashOfNothing, "foo"), "bar"), hash_text("foobar"));
}

TEST(ContentHash, DiffersForEveryBitAndEveryLength) {
  std::set<uint64_t> seen;
  std::string text(100, '\0');
  const auto hash = [&](size_t size) { return content_hash(std::as_bytes(std::span(text.data(), size))); };
  for (size_t size = 0; size <= text.size(); ++size) EXPECT_TRUE(seen.insert(hash(size)).second) << size;
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    text[bit / 8] = static_cast<char>(1 << bit % 8);
    EXPECT_TRUE(seen.insert(hash(text.size())).second) << bit;
    text[bit / 8] = 0;
  }
}

TEST(ContentHash, IsTheSameEverywhere) {
  EXPECT_EQ(hash_digits(content_hash(std::as_bytes(std::span("some bytes, more than there are in one block")))),
            "4cf1d1969a4c9870");
}

}  // namespace
}  // namespace graftwork::core
