// Moving averages: those of the samples in their order, in whatever order they come.
#include "graftwork/quant/moving_average.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace graftwork::core {
namespace {

TEST(MovingAverage, WeighsEachSampleByAHundredth) {
  MovingAverage average;
  average.add(0, {{"x", Ends{-2, 4}}});
  average.add(1, {{"x", Ends{-3, 104}}, {"y", Ends{0, 1}}});
  EXPECT_FLOAT_EQ(average.averages().at("x").min, -2.01F);
  EXPECT_FLOAT_EQ(average.averages().at("x").max, 5);
  EXPECT_EQ(average.averages().at("y").max, 1) << "the first of its values counts in full";
}

TEST(MovingAverage, TakesSamplesInTheirOrder) {
  std::mt19937 random(1);
  std::vector<float> ends(50);
  for (float& end : ends) end = static_cast<float>(random() % 1000);
  std::vector<int64_t> order(ends.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  const auto averaged = [&] {
    MovingAverage average;
    for (const int64_t index : order) average.add(index, {{"x", Ends{0, ends[static_cast<size_t>(index)]}}});
    return average.averages().at("x").max;
  };
  const float expected = averaged();
  for (int round = 0; round < 10; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    EXPECT_EQ(averaged(), expected);
  }
  std::ranges::sort(order);
  std::swap(ends.front(), ends.back());
  EXPECT_NE(averaged(), expected) << "but they have one";
}

}  // namespace
}  // namespace graftwork::core
