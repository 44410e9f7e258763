// Which samples something is measured on.
#include "graftwork/quant/measured_samples.h"

#include <gtest/gtest.h>

namespace graftwork::core {
namespace {

std::vector<int64_t> chosen(int64_t batch, int64_t samples, int64_t wanted) {
  Batching batching;
  batching.size = batch;
  return measured_micro_batches(batching, samples, wanted);
}

TEST(MeasuredSamples, AreOneInSixteenButOneToEight) {
  EXPECT_EQ(chosen(1, 5, 0), (std::vector<int64_t>{0}));
  EXPECT_EQ(chosen(1, 48, 0), (std::vector<int64_t>{0, 16, 32}));
  EXPECT_EQ(chosen(1, 4096, 0).size(), 8U);
  EXPECT_TRUE(chosen(1, 0, 0).empty());
}

TEST(MeasuredSamples, AreAsManyAsAreAskedForAndNoMoreThanThereAre) {
  EXPECT_EQ(chosen(1, 10, 4), (std::vector<int64_t>{0, 2, 5, 7}));
  EXPECT_EQ(chosen(1, 3, 9), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(chosen(4, 30, 6), (std::vector<int64_t>{0, 4})) << "two batches of four hold six";
}

}  // namespace
}  // namespace graftwork::core
