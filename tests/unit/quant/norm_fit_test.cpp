// Whether data are scaled as in training: what a change does follows from moments, and each usual mistake is named.
#include "graftwork/quant/inputs/norm_fit.h"

#include <gtest/gtest.h>

#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

at::Tensor numbers(std::vector<int64_t> sizes, uint64_t seed) {
  return at::randn(sizes, at::detail::createCPUGenerator(seed), at::TensorOptions(at::kDouble));
}

/// Pixels of three channels of different colour, 0 to 1, as patches of one place.
at::Tensor pixels() {
  const at::Tensor shared = numbers({1, 4000}, 1);
  return at::sigmoid(shared + 0.5 * numbers({3, 4000}, 2) + at::tensor({1.0, 0.0, -1.0}).to(at::kDouble).view({3, 1}));
}

NormedConv conv_of(const at::Tensor& seen_in_training, const at::Tensor& given) {
  NormedConv conv;
  conv.weight = numbers({12, 3}, 3);
  conv.bias = numbers({12}, 4);
  const at::Tensor trained = at::mm(conv.weight, seen_in_training) + conv.bias.view({12, 1});
  conv.running_mean = trained.mean(1);
  conv.running_var = trained.var(1, false);
  conv.eps = 1e-5;
  conv.channels = 3;
  conv.patch_mean = given.mean(1);
  conv.patch_moment = at::mm(given, given.t()) / given.size(1);
  return conv;
}

at::Tensor imagenet(const at::Tensor& x) {
  const at::Tensor mean = at::tensor({0.485, 0.456, 0.406}).to(at::kDouble).view({3, 1});
  const at::Tensor std = at::tensor({0.229, 0.224, 0.225}).to(at::kDouble).view({3, 1});
  return (x - mean) / std;
}

TEST(NormFit, IsZeroForTheSameData) {
  const NormFit fit = fit_of(conv_of(pixels(), pixels()));
  EXPECT_NEAR(fit.divergence, 0, 1e-6);
  EXPECT_NEAR(fit.shift, 0, 1e-6);
  EXPECT_NEAR(fit.variance_ratio, 1, 1e-6);
  EXPECT_FALSE(fit.is_mismatch);
}

struct Mistake {
  const char* name;
  std::function<at::Tensor(const at::Tensor&)> expected, given;
  std::string words;
};

class Mistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreNamed) {
  const NormFit fit = fit_of(conv_of(GetParam().expected(pixels()), GetParam().given(pixels())));
  EXPECT_TRUE(fit.is_mismatch);
  EXPECT_NE(fit.explanation.find(GetParam().words), std::string::npos) << fit.explanation;
}

at::Tensor plain(const at::Tensor& x) { return x; }
at::Tensor bytes(const at::Tensor& x) { return x * 255; }
at::Tensor centred(const at::Tensor& x) { return x * 2 - 1; }
at::Tensor bgr(const at::Tensor& x) { return x.flip(0); }

INSTANTIATE_TEST_SUITE_P(
    Of, Mistakes,
    ::testing::Values(Mistake{"bytes", plain, bytes, "divide them by 255"},
                      Mistake{"unit", bytes, plain, "0 to 255 expected"},
                      Mistake{"mean", imagenet, plain, "mean and deviation of ImageNet are expected"},
                      Mistake{"twice", plain, imagenet, "were taken, 0 to 1 is expected"},
                      Mistake{"centre", centred, plain, "-1 to 1 expected"}, Mistake{"order", bgr, plain, "as BGR"},
                      Mistake{"both", [](const at::Tensor& x) { return bgr(imagenet(x)); }, bytes,
                              "and the channels are expected as BGR"}),
    [](const auto& instance) { return instance.param.name; });

TEST(NormFit, WarnsWithoutAnExplanation) {
  const NormFit fit = fit_of(conv_of(pixels(), pixels().pow(4) * 7 + 40));
  EXPECT_TRUE(fit.is_mismatch);
  EXPECT_EQ(fit.explanation, "");
}

TEST(NormFit, ADeadChannelDecidesNothing) {
  NormedConv conv = conv_of(pixels(), pixels());
  conv.running_var[0] = 1e-12;
  EXPECT_FALSE(fit_of(conv).is_mismatch);
}

TEST(NormFit, UntrainedStatisticsSayNothing) {
  const at::Tensor zeros = at::zeros({4}, at::kDouble), ones = at::ones({4}, at::kDouble);
  EXPECT_TRUE(is_untrained(zeros, ones));
  EXPECT_TRUE(is_untrained(zeros + 0.1, ones * 0.81 + at::arange(4, at::kDouble) * 0.1));
  EXPECT_FALSE(is_untrained(zeros, at::tensor({0.1, 1.0, 1.5, 0.9}).to(at::kDouble)));
}

}  // namespace
}  // namespace graftwork::core::testing
