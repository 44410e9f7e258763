// Expressions over stored tensors.
#include "graftwork/ir/param_expr.h"

#include <gtest/gtest.h>

#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"

namespace graftwork::core {
namespace {

using Numbers = std::vector<int64_t>;

TensorType f32(std::vector<Dim> dims) { return {DType::kF32, std::move(dims)}; }
ParamExpr leaf(std::vector<Dim> dims, Symbol name = "w") { return ParamExpr::leaf(name, f32(std::move(dims))); }

TEST(ParamExpr, KnowsItsType) {
  const ParamExpr w = leaf({2, 3, 4});
  EXPECT_EQ(w.view({6, 4}).type(), f32({6, 4}));
  EXPECT_EQ(w.permute({2, 0, 1}).type(), f32({4, 2, 3}));
  EXPECT_EQ(w.slice(1, 1, 3).type(), f32({2, 2, 4}));
  EXPECT_EQ(w.slice(1, 1, 1).type(), f32({2, 0, 4}));
  EXPECT_EQ(ParamExpr::concat({w, w}, 2).type(), f32({2, 3, 8}));
  EXPECT_EQ(w.multiply(leaf({3, 1}, "g")).type(), f32({2, 3, 4}));
}

TEST(ParamExpr, SpeaksItsText) {
  const ParamExpr w = leaf({2, 3});
  EXPECT_EQ(w.text(), "@w: f32[2, 3]");
  EXPECT_EQ(w.view({6}).text(), "view(@w: f32[2, 3], [6])");
  EXPECT_EQ(w.slice(0, 0, 1).permute({1, 0}).text(), "permute(slice(@w: f32[2, 3], 0, 0, 1), [1, 0])");
  EXPECT_EQ(ParamExpr::concat({w, w}, 1).text(), "concat([@w: f32[2, 3], @w: f32[2, 3]], 1)");
  EXPECT_EQ(w.multiply(w).text(), "multiply(@w: f32[2, 3], @w: f32[2, 3])");
}

TEST(ParamExpr, SaysHowItIsComputed) {
  const ParamExpr w = leaf({2, 3});
  const ParamExpr sum =
      ParamExpr::computed("aten.sum.dim_IntList", {w}, {{"dim", std::vector<int64_t>{1}}}, 0, f32({2}));
  EXPECT_EQ(sum.text(), "aten.sum.dim_IntList(@w: f32[2, 3]) {dim=[1]}: f32[2]");
  const ParamExpr part = ParamExpr::computed("aten.split.Tensor", {sum}, {{"split_size", 1}}, 1, f32({1}));
  EXPECT_EQ(part.text(), "aten.split.Tensor(" + sum.text() + ") {split_size=1}[1]: f32[1]");
  EXPECT_EQ(part.leaves(), std::vector<Symbol>{"w"});
  EXPECT_EQ(sum, ParamExpr::computed("aten.sum.dim_IntList", {w}, {{"dim", std::vector<int64_t>{1}}}, 0, f32({2})));
  EXPECT_FALSE(sum ==
               ParamExpr::computed("aten.sum.dim_IntList", {w}, {{"dim", std::vector<int64_t>{0}}}, 0, f32({2})));
  const std::string graph = "graph(%x: f32[1]) {\n  %w: f32[1] = constant " + part.text() +
                            "\n  %y: f32[1] = aten.add.Tensor(%x, %w)\n  return y=%y\n}\n";
  EXPECT_EQ(print(parse(graph), ShowTypes::kAlways), graph);
}

TEST(ParamExpr, DoesNotGrowWithoutBound) {
  ParamExpr one = leaf({2}), two = one;
  EXPECT_THROW(
      {
        for (int i = 0; i < 64; ++i) {
          ParamExpr next = ParamExpr::computed("aten.add.Tensor", {one, two}, {}, 0, f32({2}));
          one = std::exchange(two, next);
        }
      },
      Error);
}

TEST(ParamExpr, DropsWhatDoesNothing) {
  const ParamExpr w = leaf({2, 3});
  EXPECT_EQ(w.view({2, 3}), w);
  EXPECT_EQ(w.permute({0, 1}), w);
  EXPECT_EQ(w.permute({1, 0}).permute({1, 0}), w);
  EXPECT_EQ(w.view({6}).view({2, 3}), w);
  EXPECT_EQ(w.view({6}).view({3, 2}), w.view({3, 2}));
  const ParamExpr v = leaf({2, 3, 4});
  EXPECT_EQ(v.permute({1, 2, 0}).permute({1, 2, 0}), v.permute({2, 0, 1}));
}

TEST(ParamExpr, IsEqualInForm) {
  EXPECT_EQ(leaf({2}).view({2, 1}), leaf({2}).view({2, 1}));
  EXPECT_FALSE(leaf({2}) == leaf({2}, "v"));
  EXPECT_FALSE(leaf({2}) == leaf({3}));
  EXPECT_FALSE(leaf({2, 2}).slice(0, 0, 1) == leaf({2, 2}).slice(0, 1, 2));
  EXPECT_FALSE(leaf({2}).multiply(leaf({2}, "v")) == leaf({2}, "v").multiply(leaf({2})));
}

TEST(ParamExpr, NamesItsLeaves) {
  const ParamExpr expr = ParamExpr::concat({leaf({2}, "q"), leaf({2}, "k"), leaf({2}, "q")}, 0);
  EXPECT_EQ(expr.leaves(), (std::vector<Symbol>{"q", "k", "q"}));
  EXPECT_EQ(leaf({2}, "q").leaf_name(), Symbol("q"));
  EXPECT_THROW(expr.leaf_name(), InternalError);
}

TEST(ParamExpr, RefusesWhatDoesNotFit) {
  const ParamExpr w = leaf({2, 3});
  EXPECT_THROW(ParamExpr::leaf("w", f32({Dim::symbol("s0")})), Error);
  EXPECT_THROW(w.view({7}), Error);
  EXPECT_THROW(w.view({-2, -3}), Error);
  EXPECT_THROW(w.permute({0}), Error);
  EXPECT_THROW(w.permute({0, 0}), Error);
  EXPECT_THROW(w.permute({0, 2}), Error);
  EXPECT_THROW(w.permute({0, -1}), Error);
  EXPECT_THROW(w.permute({0, 1, 1}), Error);
  EXPECT_THROW(w.slice(2, 0, 1), Error);
  EXPECT_THROW(w.slice(-1, 0, 1), Error);
  EXPECT_THROW(w.slice(1, 2, 1), Error);
  EXPECT_THROW(w.slice(1, -1, 1), Error);
  EXPECT_THROW(w.slice(1, 0, 4), Error);
  EXPECT_THROW(ParamExpr::concat({}, 0), Error);
  EXPECT_THROW(ParamExpr::concat({w}, 2), Error);
  EXPECT_THROW(ParamExpr::concat({w, leaf({2})}, 0), Error);
  EXPECT_THROW(ParamExpr::concat({w, leaf({2, 4})}, 0), Error);
  EXPECT_THROW(ParamExpr::concat({w, ParamExpr::leaf("h", {DType::kF16, {2, 3}})}, 0), Error);
  EXPECT_THROW(w.multiply(leaf({2})), Error);
  EXPECT_THROW(w.multiply(ParamExpr::leaf("h", {DType::kF16, {2, 3}})), Error);
}

TEST(ParamExpr, RefusesMoreElementsThanCanBeCounted) {
  const Dim large(int64_t{1} << 40);
  EXPECT_THROW(leaf({large, large}).view({1}), Error);
}

TEST(ParamExpr, NestsOnlySoDeep) {
  // Everything that walks an expression recurses, the destructor too.
  ParamExpr expr = leaf({8});
  const auto nest = [&] {
    for (int i = 0; i < 100'000; ++i) expr = expr.slice(0, 0, 8);
  };
  EXPECT_THROW(nest(), Error);
  EXPECT_EQ(expr.leaves().size(), 1u);
}

TEST(ParamExpr, JoinsNoMoreThanCanBeCounted) {
  const Dim large(int64_t{1} << 62);
  EXPECT_THROW(ParamExpr::concat({leaf({large}), leaf({large})}, 0), Error);
}

}  // namespace
}  // namespace graftwork::core
