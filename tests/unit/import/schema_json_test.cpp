#include "graftwork/import/pt2/schema_json.h"

#include "support/reader_testing.h"

namespace graftwork::core::pt2 {
namespace {

using namespace graftwork::core::testing;

std::string nested(int depth, char open, char close) {
  return std::string(static_cast<size_t>(depth), open) + std::string(static_cast<size_t>(depth), close);
}

TEST(ParseJson, LimitsTheDepthOfNesting) {
  EXPECT_EQ(parse_json(nested(512, '[', ']')).size(), 1u);
  expect_error("pt2.json", "deeper than 512", [] { parse_json(nested(513, '[', ']')); });
  expect_error("pt2.json", "deeper than 512", [] { parse_json(std::string(10'000'000, '[')); });
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  expect_error("pt2.json", "deeper than 512", [&] { parse_json(objects); });
}

TEST(ParseJson, CountsNoBracketsInsideStrings) {
  EXPECT_EQ(parse_json("[\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"]").size(), 1u);
}

TEST(ParseJson, SaysWhereItBreaks) {
  expect_error("pt2.json", "at byte 5", [] { parse_json("[1, }"); });
  expect_error("pt2.json", "broken", [] { parse_json(""); });
  expect_error("pt2.json", "broken", [] { parse_json("\"no end"); });
  expect_error("pt2.json", "broken", [] { parse_json("\"ends in an escape\\"); });
  expect_error("pt2.json", "a number that is too large", [] { parse_json("[1e999]"); });
  expect_error("pt2.json", "broken", [] { parse_json("\"\xff\""); });
}

TEST(ParseJson, QuotesBareTokensOnlyOutsideStrings) {
  EXPECT_EQ(quote_non_finite(R"([NaN, -Infinity,Infinity, "NaN \" Infinity"])"),
            R"(["NaN", "-Infinity","Infinity", "NaN \" Infinity"])");
  EXPECT_FALSE(quote_non_finite(R"({"NaN": "Infinity"})"));
  EXPECT_EQ(parse_json("[NaN, 1]")[0], "NaN");
  expect_error("pt2.json", "broken", [] { parse_json("[NaN, }"); });
}

TEST(ParseJson, AZeroByteIsNoEnd) {
  using namespace std::string_view_literals;
  expect_error("pt2.json", "at byte 3", [] { parse_json("[1]\0 and more"sv); });
  expect_error("pt2.json", "at byte 3", [] { parse_json("[1]\0"sv); });
}

}  // namespace
}  // namespace graftwork::core::pt2
