// What stays in FP32 among FP16: by ranges, by constants, by what small numbers are made into.
#include "graftwork/quant/half_regions.h"

#include <gtest/gtest.h>

#include "graftwork/base/text.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "support/networks.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

/// Names of the nodes between %x and the result that are wide.
std::string wide(const std::string& lines, const at::Tensor& samples) {
  Network network = network_of(cat("graph(%x: f32[s0, 8]) {\n", lines, "  return %y\n}\n"));
  network.module = transform(network.module).model;
  QuantizeOptions options;
  options.float_type = DType::kF16;
  const QuantizationResult result = quantize(network, MemorySamples(samples), {}, options);
  std::vector<std::string> names;
  for (const auto& [name, reason] : result.network.wide) names.push_back(name);
  return join(names);
}

at::Tensor samples() { return random_tensor({DType::kF32, {Dim(6), Dim(8)}}, 3); }

TEST(HalfRegions, HoldNothingWhereEverythingFits) {
  EXPECT_EQ(wide("  %a = aten.mul.Tensor(%x) {other=3.0}\n  %y = aten.exp.default(%a)\n", samples()), "");
}

TEST(HalfRegions, HoldWhoMakesAndWhoReadsALargeValue) {
  EXPECT_EQ(wide("  %a = aten.mul.Tensor(%x) {other=60000.0}\n  %b = aten.div.Tensor(%a) {other=6000.0}\n"
                 "  %y = aten.neg.default(%b)\n",
                 samples()),
            "a, b");
}

TEST(HalfRegions, HoldAnEpsilonThatIsMet) {
  const std::string quotient =
      "  %n = aten.abs.default(%x)\n  %d = aten.add.Tensor(%n) {other=1e-10}\n  %y = aten.div.Tensor(%x, %d)\n";
  at::Tensor with_zeros = samples();
  with_zeros[2] = 0;
  EXPECT_EQ(wide(quotient, with_zeros), "d, y");
  EXPECT_EQ(wide(quotient, samples().abs() + 0.5), "") << "an epsilon that nothing comes near";
}

TEST(HalfRegions, ReachBackToWhereTheBitsAreLost) {
  // 1e-8 is 0 in FP16, and so is the square in front of it.
  EXPECT_EQ(wide("  %s = aten.mul.Tensor(%x) {other=0.0001}\n  %q = aten.mul.Tensor(%s, %s)\n"
                 "  %e = aten.add.Tensor(%q) {other=1e-08}\n  %y = aten.rsqrt.default(%e)\n",
                 samples()),
            "e, q, y");
}

TEST(HalfRegions, LeaveSmallNumbersAloneThatAreAddedToLargeOnes) {
  const std::string scaled = "  %s = aten.mul.Tensor(%x) {other=1e-06}\n";
  EXPECT_EQ(wide(scaled + "  %y = aten.add.Tensor(%x, %s)\n", samples()), "");
  EXPECT_EQ(wide(scaled + "  %y = aten.mul.Tensor(%s) {other=10000.0}\n", samples()), "s, y");
}

TEST(HalfRegions, HoldConstantsThatDoNotFit) {
  EXPECT_EQ(wide("  %y = aten.div.Tensor(%x) {other=100000.0}\n", samples()), "y");
  EXPECT_EQ(wide("  %y = aten.clamp.default(%x) {min=-3e38, max=3e38}\n", samples()), "") << "bounds only bound";
}

TEST(HalfRegions, DoNotDependOnTheOrderOfSamples) {
  const std::string logarithm =
      "  %q = aten.mul.Tensor(%x, %x)\n  %c = aten.clamp.default(%q) {min=1e-10}\n  %y = aten.log.default(%c)\n";
  at::Tensor values = samples();
  values[4] = 1e-4;
  EXPECT_EQ(wide(logarithm, values), "c, q, y");
  EXPECT_EQ(wide(logarithm, values.flip(0)), "c, q, y");
}

TEST(HalfRegions, AreNamedAsOneWhereTheyHangTogether) {
  Network network = network_of(
      "graph(%x: f32[2, 3]) {\n  %a = aten.exp.default(%x)\n  %b = aten.neg.default(%a)\n"
      "  %c = aten.neg.default(%b)\n  %y = aten.exp.default(%c)\n  return %y\n}\n");
  network.wide = {{"a", "one"}, {"b", "two"}, {"y", "one"}};
  const std::vector<WideRegion> regions = wide_regions(network);
  ASSERT_EQ(regions.size(), 2U);
  EXPECT_EQ(text_of(regions[0]), "%a, %b: one and 1 further reason");
  EXPECT_EQ(text_of(regions[1]), "%y: one");
}

}  // namespace
}  // namespace graftwork::core::testing
