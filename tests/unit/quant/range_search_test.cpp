// Histograms of magnitudes, the same however the values came, and the ranges that are found from them.
#include "graftwork/quant/range_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace graftwork::core {
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

float end_of(std::span<const float> values) { return least_squares_end(counted(values), amax_of(values), 127); }

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
    EXPECT_EQ(least_squares_end(whole, amax, 127), expected);
  }
}

TEST(Histogram, CountsEveryValue) {
  const Histogram histogram = counted(std::vector<float>{0, -0.0F, 0.5F, -0.5F, 2, 3.9F, -1e-30F});
  EXPECT_EQ(histogram.total(), 7U);
  EXPECT_EQ(histogram.zeros(), 2U);
  EXPECT_EQ(histogram.width(), 4.0 / Histogram::kBins);
  EXPECT_EQ(histogram.counts()[Histogram::kBins / 8], 2U);
  EXPECT_DOUBLE_EQ(histogram.share_from(0.4), 4.0 / 7);
  EXPECT_DOUBLE_EQ(histogram.share_from(2.5), 1.0 / 7);
  EXPECT_EQ(histogram.share_from(4), 0);
  EXPECT_EQ(Histogram().share_from(0), 0);
}

TEST(Histogram, CountsMoreOfOneValueThanSixteenBitsHold) {
  std::vector<float> values(600'003, 1.5F);
  values.resize(1'000'001);
  const Histogram histogram = counted(values);
  EXPECT_EQ(histogram.counts()[3 * Histogram::kBins / 4], 600'003U);
  EXPECT_EQ(histogram.zeros(), 399'998U);
}

TEST(LeastSquaresEnd, ServesTheValuesBestThatServesTheValuesBest) {
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

TEST(LeastSquaresEnd, KeepsTheWholeRangeOfLittle) {
  EXPECT_EQ(least_squares_end(Histogram(), 3, 127), 3);
  EXPECT_EQ(end_of(std::vector<float>{0, 0, 0}), 0);
  EXPECT_EQ(end_of(std::vector<float>{-2.5F}), 2.5F);
  EXPECT_GT(end_of(std::vector<float>{1e-40F}), 0);
  const float largest = std::numeric_limits<float>::max();
  EXPECT_EQ(end_of(std::vector<float>{largest, -largest}), largest);
}

/// Divergence of the values' distribution over 2048 bins, clipped at the end, to its 128 steps, as the paper has it.
double divergence_at(std::span<const float> values, float amax, double end) {
  constexpr size_t kSteps = 128;
  const double width = amax / 2048.0;
  const auto bins = static_cast<size_t>(std::lround(end / width));
  std::vector<double> fine(bins), coarse(bins);
  double beyond = 0;
  for (const float value : values) {
    const auto bin = static_cast<size_t>(std::fabs(value) / width);
    if (value == 0) continue;
    (bin < bins ? fine[bin] : beyond) += 1;
  }
  for (size_t step = 0; step < kSteps; ++step) {
    double sum = 0, filled = 0;
    for (size_t bin = step * bins / kSteps; bin < (step + 1) * bins / kSteps; ++bin) {
      sum += fine[bin];
      filled += fine[bin] > 0;
    }
    for (size_t bin = step * bins / kSteps; bin < (step + 1) * bins / kSteps; ++bin)
      coarse[bin] = fine[bin] > 0 ? sum / filled : 0;
  }
  double all = beyond, kept = 0, result = 0;
  for (const double count : fine) kept += count;
  all += kept;
  while (!fine.empty() && fine.back() == 0) fine.pop_back();
  fine.back() += beyond;
  for (size_t bin = 0; bin < fine.size(); ++bin) {
    if (fine[bin] > 0) result += fine[bin] / all * std::log(fine[bin] / all / (coarse[bin] / kept));
  }
  return result;
}

TEST(LeastDivergenceEnd, KeepsTheDistribution) {
  for (const std::vector<float>& values :
       {drawn(200'000, std::normal_distribution<>()), drawn(200'000, std::student_t_distribution<>(3)),
        drawn(200'000, std::exponential_distribution<>(2))}) {
    const float amax = amax_of(values);
    const float end = least_divergence_end(counted(values), amax, 127);
    double least = std::numeric_limits<double>::infinity();
    for (int bins = 128; bins <= 2048; bins += 16)
      least = std::min(least, divergence_at(values, amax, bins / 2048.0 * static_cast<double>(amax)));
    EXPECT_LT(divergence_at(values, amax, static_cast<double>(end)), least * 1.2 + 1e-4) << "values up to " << amax;
    EXPECT_LT(end, amax * 0.95F);
  }
  const std::vector<float> even = drawn(200'000, std::uniform_real_distribution<>(-5, 5));
  EXPECT_GT(least_divergence_end(counted(even), amax_of(even), 127), 4.9F);
}

TEST(PercentileEnd, LeavesOutTheLargest) {
  std::vector<float> values = drawn(10'000, std::normal_distribution<>());
  values.resize(20'000);  // zeros count
  std::vector<float> sorted = values;
  for (float& value : sorted) value = std::fabs(value);
  std::ranges::sort(sorted);
  const Histogram histogram = counted(values);
  for (const double percent : {99.99, 99.9, 99.0, 75.0}) {
    const float exact = sorted[percentile_place(20'000, percent) - 1];
    EXPECT_NEAR(percentile_end(histogram, sorted.back(), percent), exact, histogram.width() * 1.01) << percent;
  }
  EXPECT_EQ(percentile_place(20'000, 99.99), 19'998U);
  EXPECT_EQ(percentile_place(20'000, 99.9), 19'980U);
  EXPECT_EQ(percentile_place(3, 1), 1U);
  EXPECT_EQ(percentile_end(histogram, sorted.back(), 100), sorted.back());
  EXPECT_GT(percentile_end(histogram, sorted.back(), 1), 0) << "a range has to end somewhere";
}

TEST(NarrowedEnd, StopsWhereClippingCostsMore) {
  std::vector<float> values = drawn(500'000, std::normal_distribution<>());
  const float whole = amax_of(values), end = narrowed_end(counted(values), whole, 127);
  EXPECT_LT(end, whole);
  EXPECT_LE(error_at(values, static_cast<double>(end)), error_at(values, static_cast<double>(whole)));
  values[17] = 40;
  EXPECT_LT(narrowed_end(counted(values), 40, 127), 6);
  values.resize(50'000);
  EXPECT_EQ(narrowed_end(counted(values), 40, 127), 40) << "the square of what one value loses is more than they gain";
}

TEST(EveryEnd, IsTheLargestWhereNothingElseWasSeen) {
  const Histogram nothing, zeros = counted(std::vector<float>{0, 0}), one = counted(std::vector<float>{-2.5F});
  for (const auto& [histogram, amax] : {std::pair(nothing, 3.0F), std::pair(zeros, 0.0F), std::pair(one, 2.5F)}) {
    EXPECT_EQ(narrowed_end(histogram, amax, 127), amax);
    EXPECT_EQ(percentile_end(histogram, amax, 50), amax);
    EXPECT_EQ(least_divergence_end(histogram, amax, 127), amax);
  }
}

}  // namespace
}  // namespace graftwork::core
