// Histograms of magnitudes: the same however the values came, and the range found from them is the best of the values.
#include "graftwork/quant/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace graftwork {
namespace {

float amax_of(std::span<const float> values) {
  float amax = 0;
  for (const float value : values) amax = std::max(amax, std::fabs(value));
  return amax;
}

Histogram counted(std::span<const float> values) {
  Histogram histogram;
  histogram.add(values, amax_of(values));
  return histogram;
}

float end_of(std::span<const float> values) { return counted(values).least_squares_amax(amax_of(values), 127); }

/// Mean squared error of the values themselves.
double error_at(std::span<const float> values, double end) {
  const double scale = end / 127;
  double sum = 0;
  for (const float value : values) {
    const double code = std::clamp(std::nearbyint(value / scale), -127.0, 127.0);
    sum += (value - code * scale) * (value - code * scale);
  }
  return sum / static_cast<double>(values.size());
}

template <class Distribution>
std::vector<float> drawn(size_t count, Distribution distribution, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(distribution(random));
  return values;
}

TEST(Histogram, IsTheSameHoweverTheValuesCame) {
  std::vector<float> values = drawn(5000, std::student_t_distribution<>(2));
  values.insert(values.end(), {0.0F, -0.0F, 1e-30F, 3e-42F, -1e-6F});
  const float amax = amax_of(values);
  const float expected = end_of(values);
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(values.begin(), values.end(), random);
    std::vector<Histogram> parts(1 + random() % 4);
    for (size_t begin = 0; begin < values.size();) {
      const auto part = std::span(values).subspan(begin, std::min<size_t>(values.size() - begin, 1 + random() % 700));
      parts[random() % parts.size()].add(part, amax_of(part));
      begin += part.size();
    }
    Histogram whole;
    for (const Histogram& part : parts) whole.merge(part);
    EXPECT_EQ(whole.least_squares_amax(amax, 127), expected);
  }
}

TEST(Histogram, FindsTheEndThatServesTheValuesBest) {
  std::vector<std::vector<float>> cases{drawn(100'000, std::normal_distribution<>()),
                                        drawn(100'000, std::normal_distribution<>(0, 1e-7)),
                                        drawn(100'000, std::exponential_distribution<>(3)),
                                        drawn(100'000, std::student_t_distribution<>(4)),
                                        drawn(100'000, std::uniform_real_distribution<>(-5, 5)),
                                        drawn(300, std::normal_distribution<>())};
  cases.push_back(cases[0]);  // as behind a ReLU
  for (float& value : cases.back()) value = std::max(value, 0.0F);
  cases.push_back(cases[0]);
  cases.back()[17] = 40;
  for (const std::vector<float>& values : cases) {
    const float amax = amax_of(values);
    double least = error_at(values, amax);
    for (int step = 16; step < 128; ++step)
      least = std::min(least, error_at(values, static_cast<double>(amax) * step / 128));
    EXPECT_LE(error_at(values, end_of(values)), least * 1.02) << "values up to " << amax;
  }
  EXPECT_LT(end_of(cases[0]), amax_of(cases[0]) * 0.95F) << "a normal distribution is worth clipping";
  EXPECT_GT(end_of(cases[4]), 4.9F) << "a uniform one is not";
  EXPECT_LT(end_of(cases.back()), 30) << "one value in 100,000 does not set the scale";
}

TEST(Histogram, KeepsTheWholeRangeOfLittle) {
  EXPECT_EQ(Histogram().least_squares_amax(3, 127), 3);
  EXPECT_EQ(end_of(std::vector<float>{0, 0, 0}), 0);
  EXPECT_EQ(end_of(std::vector<float>{-2.5F}), 2.5F);
  EXPECT_GT(end_of(std::vector<float>{1e-40F}), 0);
  const float largest = std::numeric_limits<float>::max();
  EXPECT_EQ(end_of(std::vector<float>{largest, -largest}), largest);
}

}  // namespace
}  // namespace graftwork
