// Which layers to skip: the choice holds what it says, and nothing of it can be left out.
#include "graftwork/quant/sensitivity/skip_selection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace graftwork::core::testing {
namespace {

/// An effect with noise of this power beside a signal of 1.
Effect with_noise(double noise) {
  Effect effect;
  effect.outputs.push_back(SignalError::of({1, 1 + noise, 1, noise, 1}));
  return effect;
}

/// Layers whose noise adds up; two of them, where `cancels` is set, only if both are quantized.
struct Layers {
  std::vector<double> noise;
  bool cancels = false;

  double left(const std::set<size_t>& skipped) const {
    double sum = 0;
    for (size_t i = 0; i < noise.size(); ++i) sum += skipped.contains(i) ? 0 : noise[i];
    if (cancels && !skipped.contains(0) && !skipped.contains(1)) sum -= noise[0] + noise[1];
    return sum;
  }

  Sensitivity sensitivity() const {
    Sensitivity result;
    for (size_t i = 0; i < noise.size(); ++i)
      result.layers.push_back({{cat_name(i), cat_name(i), 0}, with_noise(noise[i]), with_noise(left({i}))});
    return result;
  }

  MeasureWithout measure() const {
    return [this](const std::vector<size_t>& layers) { return with_noise(left({layers.begin(), layers.end()})); };
  }

  static Symbol cat_name(size_t i) { return "layer" + std::to_string(i); }
};

TEST(SkipSelection, TakesTheFewestThatReachTheTarget) {
  const Layers layers{{0.001, 0.1, 0.002, 0.05, 0.01}};
  const Sensitivity sensitivity = layers.sensitivity();
  EXPECT_EQ(worst_alone(sensitivity), (std::vector<size_t>{1, 3, 4, 2, 0}));
  EXPECT_EQ(best_without(sensitivity), worst_alone(sensitivity));
  const SkippedLayers two = fewest_to_skip(sensitivity, 18, layers.measure());
  EXPECT_EQ(two.layers, (std::vector<size_t>{1, 3}));
  EXPECT_NEAR(two.effect.sqnr_db(), -10 * std::log10(0.013), 1e-9);
  EXPECT_TRUE(fewest_to_skip(sensitivity, 5, layers.measure()).layers.empty());
  EXPECT_EQ(fewest_to_skip(sensitivity, 400, layers.measure()).layers.size(), 5U);
  EXPECT_EQ(fewest_to_skip(sensitivity, 18, layers.measure(), 3).layers.size(), 3U);
}

TEST(SkipSelection, TakesBackWhatItCanDoWithout) {
  const Layers layers{{0.1, 0.1, 0.02, 0.001}, true};  // 0 and 1 undo one another: only 2 is worth skipping
  EXPECT_EQ(fewest_to_skip(layers.sensitivity(), 29, layers.measure()).layers, (std::vector<size_t>{2}));
}

TEST(SkipSelection, SpendsABudget) {
  const Layers layers{{0.1, 0.1, 0.02, 0.001}, true};
  EXPECT_EQ(best_to_skip(layers.sensitivity(), 1, layers.measure()).layers, (std::vector<size_t>{2}));
  EXPECT_EQ(best_to_skip(layers.sensitivity(), 9, layers.measure()).layers.size(), 4U);
  EXPECT_TRUE(best_to_skip(layers.sensitivity(), 0, layers.measure()).layers.empty());
}

}  // namespace
}  // namespace graftwork::core::testing
