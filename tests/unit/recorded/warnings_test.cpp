// What a recording cannot follow is said, with its place.
#include <ATen/ATen.h>

#include "unit/recorded/recorded_testing.h"

namespace graftwork::core::testing {
namespace {

struct Case {
  const char* name;
  std::function<at::Tensor(const at::Tensor&)> function;
  /// Of the only warning; empty: there is none.
  const char* warning;
};

class Warnings : public ::testing::TestWithParam<Case> {};

TEST_P(Warnings, NameWhatIsFixed) {
  const auto& [name, function, warning] = GetParam();
  const at::Tensor x = at::arange(1, 7, at::kFloat).reshape({2, 3});
  const LoadedNetwork loaded = record([&](const Tensors& in) { return Tensors{function(in[0])}; }, {x}, {}, {});
  if (std::string_view(warning).empty()) {
    EXPECT_EQ(loaded.warnings, std::vector<std::string>());
    return;
  }
  ASSERT_EQ(loaded.warnings.size(), 1U);
  EXPECT_NE(loaded.warnings[0].find(warning), std::string::npos) << loaded.warnings[0];
}

INSTANTIATE_TEST_SUITE_P(
    Record, Warnings,
    ::testing::Values(
        Case{"item", [](const at::Tensor& x) { return x * at::sum(x).item<float>(); },
             "aten.item.default in item of %sum: it reads a number out of a tensor that depends on the inputs"},
        Case{"nonzero", [](const at::Tensor& x) { return at::any(x).is_nonzero() ? x : -x; }, "aten.is_nonzero"},
        Case{"equal", [](const at::Tensor& x) { return at::equal(x, x + 1) ? x : -x; }, "aten.equal"},
        Case{"equal_to_itself", [](const at::Tensor& x) { return at::equal(x, x) ? x + 1 : x; }, ""},
        Case{"number_of_constants", [](const at::Tensor& x) { return x * at::ones({2}).sum().item<float>(); }, ""},
        Case{"sizes", [](const at::Tensor& x) { return x * static_cast<double>(x.size(1) + x.numel()); }, ""},
        Case{"written_memory",
             [](const at::Tensor& x) {
               const at::Tensor total = at::zeros({});
               total.copy_(x.sum());
               return x * total.item<float>();
             },
             "aten.item"},
        Case{"often",
             [](const at::Tensor& x) {
               const at::Tensor total = x.sum();
               double sum = 0;
               for (int i = 0; i < 3; ++i) sum += total.item<double>();
               return x * sum;
             },
             "aten.item"},
        Case{"places", [](const at::Tensor& x) { return at::nonzero(x).to(at::kFloat); },
             "%nonzero = aten.nonzero.default in nonzero: the shape of its result depends on the inputs' values"},
        Case{"mask", [](const at::Tensor& x) { return at::index(x, {at::gt(x, 2)}); }, "aten.index.Tensor"},
        Case{"index", [](const at::Tensor& x) { return at::index(x, {at::tensor({1, 0})}); }, ""},
        Case{"random", [](const at::Tensor& x) { return x + at::rand({3}); },
             "%rand = aten.rand.default in rand: it draws at random"},
        Case{"dropout", [](const at::Tensor& x) { return at::dropout(x, 0.5, true); }, "aten.dropout.default"},
        Case{"attention",
             [](const at::Tensor& x) {
               const at::Tensor heads = x.reshape({1, 1, 2, 3});
               return at::scaled_dot_product_attention(heads, heads, heads);
             },
             ""}),
    [](const auto& given) { return std::string(given.param.name); });

}  // namespace
}  // namespace graftwork::core::testing
