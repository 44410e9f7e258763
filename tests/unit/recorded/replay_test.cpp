// A recording proves itself, or says why it cannot.
#include <ATen/ATen.h>

#include "unit/recorded/recorded_testing.h"

namespace graftwork::core::testing {
namespace {

void expect_no_replay(const Forward& forward, const Tensors& inputs, std::string_view words) {
  const LoadedNetwork loaded = record(forward, inputs, {}, {});
  expect_error("capture.replay", words, [&] { verify_replay(loaded, forward, other_inputs(inputs)); });
}

TEST(Replay, FindsABranchAndLeadsToWhatDecidesIt) {
  const Forward forward =
      one_result([](const Tensors& in) { return in[0].sum().item<float>() > 0 ? in[0] * 2 : in[0] - 1; });
  expect_no_replay(forward, {at::randn({16})}, "result output of the recorded network differs by up to");
  expect_no_replay(forward, {at::randn({16})}, "aten.item.default in item of %sum");
}

TEST(Replay, FindsNumbersReadPastTheOperators) {
  const Forward forward = one_result([](const Tensors& in) { return in[0] * double(in[0].data_ptr<float>()[0]); });
  expect_no_replay(forward, {at::randn({4})}, "differs by up to");
}

TEST(Replay, FindsShapesThatDependOnValues) {
  expect_no_replay(one_result([](const Tensors& in) {
                     const auto n = static_cast<int64_t>(in[0].sum().item<float>() > 0);
                     return at::cat({in[0].narrow(0, 0, 2 + n), in[0]});
                   }),
                   {at::tensor({-1.F, 2.F, -3.F})}, "is f32[");
}

TEST(Replay, FindsAnotherNumberOfResults) {
  int calls = 0;
  const Forward forward = [&](const Tensors& in) { return Tensors(static_cast<size_t>(++calls), in[0]); };
  expect_no_replay(forward, {at::ones({2})}, "the module gives 2 results");
}

TEST(Replay, LeadsToEvalWhereTrainingIsTheReason) {
  expect_no_replay(one_result([](const Tensors& in) { return at::dropout(in[0], 0.5, true); }), {at::ones({64})},
                   "calling eval() on the module");
}

TEST(Replay, WritesNothingToWhatItIsGiven) {
  const Forward forward = one_result([](const Tensors& in) { return in[0].mul_(2) + 1; });
  const LoadedNetwork loaded = record(forward, {at::ones({2})}, {}, {});
  const Tensors inputs{at::tensor({3.F, 4.F})};
  verify_replay(loaded, forward, inputs);
  EXPECT_TRUE(at::equal(inputs[0], at::tensor({3.F, 4.F})));
}

TEST(OtherInputs, AreOthersOfTheSameKindAndAlwaysTheSame) {
  const Tensors given{at::randn({4, 8}),
                      at::zeros({16}),
                      at::arange(10),
                      at::tensor({1, 0}).to(at::kBool),
                      at::randn({3}).to(at::kBFloat16),
                      at::empty({0, 2}),
                      at::tensor({0.F, -INFINITY, 0.F})};
  const Tensors others = other_inputs(given), again = other_inputs(given);
  for (size_t i = 0; i < given.size(); ++i) {
    EXPECT_EQ(others[i].sizes(), given[i].sizes());
    EXPECT_EQ(others[i].dtype(), given[i].dtype());
    EXPECT_TRUE(at::equal(others[i], again[i]));
  }
  for (const size_t i : {0, 1, 2, 4}) EXPECT_FALSE(at::equal(others[i], given[i]));
  EXPECT_LT((others[0].sum() * given[0].sum()).item<float>(), 0);   // a branch on the sum goes the other way
  EXPECT_TRUE(at::equal(std::get<0>(others[2].sort()), given[2]));  // indices stay ones
  EXPECT_EQ(at::isinf(others[6]).sum().item<int64_t>(), 1);
}

}  // namespace
}  // namespace graftwork::core::testing
