// Extents, types, broadcasting, attributes.
#include "graftwork/ir/type.h"

#include <gtest/gtest.h>

#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/ir/attribute.h"
#include "graftwork/ir/bounds.h"

namespace graftwork::core {
namespace {

Dim dim(const std::string& text) {
  const auto parsed = Dim::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Dim(-999));
}

TEST(Dim, CountsWithNumbers) {
  EXPECT_EQ((Dim(3) + Dim(4)).value(), 7);
  EXPECT_EQ((Dim(3) - 4).value(), -1);
  EXPECT_EQ((Dim(3) * Dim(4)).value(), 12);
  EXPECT_EQ(Dim(7).floor_div(2).value(), 3);
  EXPECT_EQ(Dim(-7).floor_div(2).value(), -4);
  EXPECT_EQ(Dim(-8).floor_div(2).value(), -4);
}

TEST(Dim, KeepsALinearForm) {
  const Dim s = Dim::symbol("s0");
  EXPECT_EQ((s + Dim(3)).text(), "s0+3");
  EXPECT_EQ((Dim(3) + s - 5).text(), "s0-2");
  EXPECT_EQ((s + s).text(), "2*s0");
  EXPECT_EQ(((s + Dim(1)) * Dim(3)).text(), "3*s0+3");
  EXPECT_EQ((s * Dim(0)), Dim(0));
  EXPECT_EQ((s * Dim(4) + Dim(6)).floor_div(2).text(), "2*s0+3");
  EXPECT_EQ((s * Dim(4) + Dim(5)).floor_div(4).text(), "s0+1");
  EXPECT_EQ((s * Dim(4) - 1).floor_div(4).text(), "s0-1");
  EXPECT_EQ(s.floor_div(1), s);
  EXPECT_EQ(s + s * Dim(-1), Dim(0));
}

TEST(Dim, NamesWhatHasNoLinearForm) {
  const Dim a = Dim::symbol("a");
  const Dim b = Dim::symbol("b");
  EXPECT_EQ((a + Dim(1)).floor_div(2).text(), "floor((a+1)/2)");
  EXPECT_EQ((a * b).text(), "((a)*(b))");
  EXPECT_EQ(a + b, b + a);
  EXPECT_EQ(a * b, b * a);
  EXPECT_EQ(((a + Dim(1)).floor_div(2) + Dim(1)).text(), "floor((a+1)/2)+1");
}

TEST(Dim, TextReadsBack) {
  const Dim a = Dim::symbol("s0");
  const Dim b = Dim::symbol("u1");
  for (const Dim& value : {Dim(0), Dim(-3), a, a + Dim(2), a * Dim(-2) - 7, a + b, a * b,
                           (a * b + Dim(1)).floor_div(3) * Dim(2), ((a + Dim(1)).floor_div(2) + b) * Dim(5) - 1}) {
    EXPECT_EQ(dim(value.text()), value) << value.text();
    EXPECT_EQ(dim(value.text()).text(), value.text());
  }
}

TEST(Dim, EndsAtThe64thBit) {
  const Dim least(std::numeric_limits<int64_t>::min()), most(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(least.floor_div(2).value(), std::numeric_limits<int64_t>::min() / 2);
  EXPECT_EQ((least + most).value(), -1);
  EXPECT_EQ(dim(least.text()), least);
  for (const auto& beyond : {+[](Dim a, Dim b) { return a - 1 + b; }, +[](Dim a, Dim b) { return a * Dim(-1) + b; },
                             +[](Dim a, Dim b) { return b + b + a * Dim(0); }}) {
    EXPECT_THROW(beyond(least, most), Error);
  }
  const Dim s = Dim::symbol("s0");
  EXPECT_THROW(s * most + s, Error);
  EXPECT_THROW((s + least) - 1, Error);
}

TEST(Dim, ItsTextHasAnEnd) {
  Dim a = Dim::symbol("a"), b = Dim::symbol("b");
  const auto fibonacci = [&] {
    for (int i = 0; i < 45; ++i) {
      const Dim sum = a + b;
      ASSERT_LE(sum.base().str().size(), kLongestExtent);
      a = b;
      b = sum;
    }
  };
  EXPECT_THROW(fibonacci(), Error);
  const std::string longest(kLongestExtent, 'a');
  EXPECT_EQ(dim(longest).text(), longest);
  EXPECT_FALSE(Dim::parse(longest + "a"));
  EXPECT_THROW(Dim::symbol(longest + "a"), Error);
}

TEST(Dim, BracketsAloneAreNoExtent) {
  EXPECT_FALSE(Dim::parse("()"));
  EXPECT_FALSE(Dim::parse("(())"));
}

TEST(Dim, RefusesWhatIsNoExtent) {
  for (const char* text :
       {"", "+", "2*", "*s0", "2*3", "0*s0", "s0+", "a b", "(a", "a)", "s0++1", "3x", "s[0]", "99999999999999999999"}) {
    EXPECT_FALSE(Dim::parse(text)) << text;
  }
}

TEST(Dim, TellsNumbersFromSymbols) {
  EXPECT_TRUE(Dim(3).is_static());
  EXPECT_FALSE(Dim::symbol("s0").is_static());
  EXPECT_EQ(Dim::symbol("s0").maybe_value(), std::nullopt);
  EXPECT_THROW(Dim::symbol("s0").value(), InternalError);
  EXPECT_THROW(Dim(3).floor_div(0), InternalError);
}

TEST(Dim, RefusesToLeave64Bits) {
  const Dim largest(std::numeric_limits<int64_t>::max());
  EXPECT_THROW(largest + Dim(1), Error);
  EXPECT_THROW(largest * Dim(2), Error);
  EXPECT_THROW((Dim::symbol("s0") * largest) * Dim(2), Error);
  EXPECT_THROW(TensorType({DType::kF32, {largest, Dim(2)}}).element_count(), Error);
  EXPECT_EQ((largest + Dim(0)).value(), largest.value());
}

TEST(Type, SpeaksItsText) {
  EXPECT_EQ(Type().text(), "?");
  EXPECT_EQ(Type(TensorType{DType::kF32, {Dim(1), Dim::symbol("s0")}}).text(), "f32[1, s0]");
  EXPECT_EQ(Type(TensorType{DType::kBool, {}}).text(), "bool[]");
  EXPECT_EQ(Type(ScalarType::kInt).text(), "int");
  EXPECT_EQ(Type::tuple({ScalarType::kFloat, Type::tuple({})}).text(), "(float, ())");
}

TEST(Type, IsEqualInForm) {
  const auto make = [](int64_t extent) { return Type(TensorType{DType::kF32, {Dim(extent)}}); };
  EXPECT_EQ(make(4), make(4));
  EXPECT_FALSE(make(4) == make(5));
  EXPECT_EQ(Type::tuple({make(4), ScalarType::kBool}), Type::tuple({make(4), ScalarType::kBool}));
  EXPECT_FALSE(Type::tuple({make(4)}) == Type::tuple({make(4), make(4)}));
  EXPECT_FALSE(make(4) == Type());
}

TEST(Type, CompatibleLeavesOpenWhatIsNotKnown) {
  const auto make = [](DType dtype, std::vector<Dim> dims) { return Type(TensorType{dtype, std::move(dims)}); };
  const Type known = make(DType::kF32, {Dim(2), Dim(3)});
  EXPECT_TRUE(compatible(known, Type()));
  EXPECT_TRUE(compatible(known, make(DType::kF32, {Dim::symbol("s0"), Dim(3)})));
  EXPECT_FALSE(compatible(known, make(DType::kF32, {Dim::symbol("s0"), Dim(4)})));
  EXPECT_FALSE(compatible(known, make(DType::kF16, {Dim(2), Dim(3)})));
  EXPECT_FALSE(compatible(known, make(DType::kF32, {Dim(2)})));
  EXPECT_FALSE(compatible(known, ScalarType::kInt));
  EXPECT_TRUE(compatible(ScalarType::kInt, ScalarType::kInt));
}

TEST(Broadcast, FollowsNumpy) {
  using Dims = std::vector<Dim>;
  const Dim s = Dim::symbol("s0");
  EXPECT_EQ(broadcast(Dims{2, 3}, Dims{3}), (Dims{2, 3}));
  EXPECT_EQ(broadcast(Dims{3}, Dims{2, 1}), (Dims{2, 3}));
  EXPECT_EQ(broadcast(Dims{}, Dims{4}), (Dims{4}));
  EXPECT_EQ(broadcast(Dims{s, 1}, Dims{1, 3}), (Dims{s, 3}));
  EXPECT_EQ(broadcast(Dims{s}, Dims{s}), (Dims{s}));
  EXPECT_EQ(broadcast(Dims{2, 3}, Dims{2}), std::nullopt);
  EXPECT_EQ(broadcast(Dims{s}, Dims{3}), std::nullopt);
}

TEST(Attribute, SpeaksItsText) {
  EXPECT_EQ(Attribute().text(), "none");
  EXPECT_EQ(Attribute(true).text(), "true");
  EXPECT_EQ(Attribute(-3).text(), "-3");
  EXPECT_EQ(Attribute(3.0).text(), "3.0");
  EXPECT_EQ(Attribute("a\"b").text(), R"("a\"b")");
  EXPECT_EQ(Attribute(DType::kF16).text(), "f16");
  EXPECT_EQ(Attribute(InputRef{2}).text(), "$2");
  EXPECT_EQ(Attribute(std::vector<int64_t>{1, 2}).text(), "[1, 2]");
  EXPECT_EQ(Attribute(Attribute::List{Attribute(), Attribute(1.5)}).text(), "[none, 1.5]");
}

TEST(Attribute, AListOfIntegersIsOneThing) {
  EXPECT_EQ(Attribute(Attribute::List{Attribute(1), Attribute(2)}), Attribute(std::vector<int64_t>{1, 2}));
  EXPECT_EQ(Attribute(Attribute::List{}), Attribute(std::vector<int64_t>{}));
  EXPECT_FALSE(Attribute(1) == Attribute(1.0));
  EXPECT_FALSE(Attribute(1) == Attribute(true));
}

TEST(Attribute, IsEqualWhenPrintedAlike) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Attribute(nan), Attribute(nan));
  EXPECT_EQ(Attribute(Attribute::List{Attribute(nan)}), Attribute(Attribute::List{Attribute(nan)}));
  EXPECT_FALSE(Attribute(0.0) == Attribute(-0.0));
}

TEST(AttrMap, IsSortedByNameAndHasOneValueEach) {
  AttrMap attrs{{"zeta", 1}, {"alpha", 2}};
  attrs.set("mid", 3);
  attrs.set("zeta", 4);
  std::string text;
  for (const auto& [name, value] : attrs) text += name.str() + value.text();
  EXPECT_EQ(text, "alpha2mid3zeta4");
  attrs.erase("mid");
  EXPECT_EQ(attrs.size(), 2u);
  EXPECT_EQ(attrs.find("mid"), nullptr);
  EXPECT_EQ(attrs, (AttrMap{{"alpha", 2}, {"zeta", 4}}));
}

}  // namespace
}  // namespace graftwork::core
