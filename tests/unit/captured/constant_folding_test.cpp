// What operators on constants may cost while a file is opened.
#include "graftwork/import/common/constant_folding.h"

#include <gtest/gtest.h>

#include <limits>

namespace graftwork::core {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max(), kMiB = int64_t{1} << 20;

ParamExpr stored(TensorStore& tensors, const char* name, const at::Tensor& tensor) {
  tensors.set(name, tensor);
  return tensors.leaf(name);
}

TEST(FoldingBudget, IsOneForAllOperators) {
  FoldingBudget budget(0);
  EXPECT_FALSE(budget.spend(65 * kMiB, 0));  // for one of them
  EXPECT_TRUE(budget.spend(64 * kMiB, 0) && budget.spend(64 * kMiB, 0));
  EXPECT_FALSE(budget.spend(1, 0));
}

TEST(FoldingBudget, GrowsWithTheFile) {
  FoldingBudget large(100 * kMiB);
  int times = 0;
  while (large.spend(64 * kMiB, 0)) ++times;
  EXPECT_EQ(times, (128 + 16 * 100) / 64);
}

TEST(FoldingBudget, CountsWhatStaysAndWorkByThemselves) {
  FoldingBudget kept(0), work(0);
  EXPECT_TRUE(kept.spend(60 * kMiB, 0, 60 * kMiB));
  EXPECT_FALSE(kept.spend(60 * kMiB, 0, 60 * kMiB));
  EXPECT_TRUE(kept.spend(60 * kMiB, 0));
  EXPECT_TRUE(work.spend(0, int64_t{1} << 30));
  EXPECT_FALSE(work.spend(0, int64_t{1} << 30));
  EXPECT_FALSE(FoldingBudget(0).spend(kMost, kMost, kMost));
}

TEST(ConstantFolding, CountsTheCopiesOnTheWay) {
  TensorStore tensors;
  const ParamExpr few = stored(tensors, "few", at::zeros({1}).expand({1024, 1024}));
  EXPECT_EQ(bytes_to_evaluate(few), 0);
  const ParamExpr whole = few.permute({1, 0}).view({1024 * 1024});
  EXPECT_EQ(bytes_to_evaluate(whole), 4 * kMiB);
  EXPECT_EQ(bytes_to_evaluate(whole.slice(0, 0, 4)), 4 * kMiB);
  FoldingBudget budget(0);
  int times = 0;
  while (run_constant("aten.exp.default", {whole.slice(0, 0, 4)}, {}, tensors, budget)) ++times;
  EXPECT_EQ(times, 31);
}

TEST(ConstantFolding, RunsWhatIsOnTheListAlone) {
  TensorStore tensors;
  const ParamExpr x = stored(tensors, "x", at::ones({4}));
  FoldingBudget budget(0);
  EXPECT_TRUE(run_constant("aten.exp.default", {x}, {}, tensors, budget));
  for (const char* op : {"aten.lgamma.default", "aten.exp_.default", "aten.argwhere.default", "aten.bernoulli.default"})
    EXPECT_FALSE(run_constant(op, {x}, {}, tensors, budget)) << op;
}

TEST(ConstantFolding, RunsNothingOnWhatItMustNot) {
  TensorStore tensors;
  const ParamExpr least = stored(tensors, "least", at::full({2}, std::numeric_limits<int64_t>::min(), at::kLong));
  const ParamExpr minus = stored(tensors, "minus", at::full({2}, -1, at::kLong));
  FoldingBudget budget(0);
  const AttrMap rounds{{"rounding_mode", Attribute(std::string("trunc"))}};
  EXPECT_FALSE(run_constant("aten.div.Tensor_mode", {least, minus}, rounds, tensors, budget));
  EXPECT_TRUE(run_constant("aten.div.Tensor_mode", {minus, minus}, rounds, tensors, budget));
  const ParamExpr matrix = stored(tensors, "matrix", at::ones({2, 2}));
  const AttrMap power{{"n", Attribute(std::numeric_limits<int64_t>::min())}};
  EXPECT_FALSE(run_constant("aten.matrix_power.default", {matrix}, power, tensors, budget));
}

TEST(ConstantFolding, LeavesWhatTorchFailsOn) {
  TensorStore tensors;
  FoldingBudget budget(0);
  const AttrMap steep{{"start", Attribute(2.0)},
                      {"end", Attribute(1e300)},
                      {"steps", Attribute(int64_t{2})},
                      {"dtype", Attribute(DType::kF32)}};
  EXPECT_FALSE(run_constant("aten.logspace.default", {}, steep, tensors, budget));
  const ParamExpr matrix = stored(tensors, "matrix", at::zeros({2, 2}));
  EXPECT_FALSE(run_constant("aten.inverse.default", {matrix}, {}, tensors, budget));
}

TEST(ConstantFolding, FillsWithinTheBudget) {
  FoldingBudget budget(0);
  const AttrMap seven{{"fill_value", Attribute(7.0)}};
  const auto filled = [&](int64_t count) {
    return filled_like("aten.full_like.default", seven, TensorType{DType::kF32, {Dim(count)}}, budget);
  };
  EXPECT_TRUE(at::equal(*filled(3), at::full({3}, 7.0F)));
  EXPECT_FALSE(filled(3'000'000'000));
  EXPECT_FALSE(filled(kMost));
}

TEST(ConstantFolding, ViewsOfSizesThatHaveNoProductStayCalls) {
  TensorStore tensors;
  const ParamExpr x = stored(tensors, "x", at::ones({4}));
  const auto viewed = [&](std::vector<int64_t> size) {
    return as_expression("aten.view.default", {x}, {{"size", Attribute(std::move(size))}});
  };
  EXPECT_TRUE(viewed({2, -1}));
  EXPECT_FALSE(viewed({int64_t{1} << 32, int64_t{1} << 32, -1}));
  EXPECT_FALSE(viewed({std::numeric_limits<int64_t>::min(), -1}));
}

}  // namespace
}  // namespace graftwork::core
