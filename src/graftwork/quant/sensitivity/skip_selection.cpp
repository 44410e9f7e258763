#include "graftwork/quant/sensitivity/skip_selection.h"

#include <algorithm>
#include <numeric>

namespace graftwork::core {
namespace {

std::vector<size_t> by(const Sensitivity& sensitivity, const std::function<double(const LayerSensitivity&)>& key) {
  std::vector<size_t> order(sensitivity.layers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t layer) { return key(sensitivity.layers[layer]); });
  return order;
}

SkippedLayers measured(std::vector<size_t> layers, const MeasureWithout& measure) {
  std::ranges::sort(layers);
  Effect effect = measure(layers);
  return {std::move(layers), std::move(effect)};
}

SkippedLayers beginning(const std::vector<size_t>& order, size_t count, const MeasureWithout& measure) {
  return measured({order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count)}, measure);
}

/// The shortest beginning that reaches the target: of two lengths that were measured, one too short and one long
/// enough, the middle is tried.
size_t shortest(const std::vector<size_t>& order, double target_db, const MeasureWithout& measure, size_t at_least) {
  size_t low = at_least, high = order.size();  // all in floating point loses nothing
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (beginning(order, middle, measure).effect.sqnr_db() >= target_db) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return high;
}

/// Takes layers back that the target does not need.
SkippedLayers pruned(SkippedLayers skipped, const std::vector<size_t>& order, double target_db,
                     const MeasureWithout& measure, size_t at_least) {
  for (auto layer = order.rbegin(); layer != order.rend() && skipped.layers.size() > at_least; ++layer) {
    if (std::ranges::find(skipped.layers, *layer) == skipped.layers.end()) continue;
    std::vector<size_t> fewer;
    std::ranges::remove_copy(skipped.layers, std::back_inserter(fewer), *layer);
    SkippedLayers without = measured(std::move(fewer), measure);
    if (without.effect.sqnr_db() >= target_db) skipped = std::move(without);
  }
  return skipped;
}

}  // namespace

std::vector<size_t> worst_alone(const Sensitivity& sensitivity) {
  return by(sensitivity, [](const LayerSensitivity& layer) { return layer.alone.sqnr_db(); });
}

std::vector<size_t> best_without(const Sensitivity& sensitivity) {
  return by(sensitivity, [](const LayerSensitivity& layer) { return -layer.all_but.sqnr_db(); });
}

SkippedLayers fewest_to_skip(const Sensitivity& sensitivity, double target_db, const MeasureWithout& measure,
                             size_t at_least) {
  SkippedLayers best;
  bool has_best = false;
  for (const std::vector<size_t>& order : {worst_alone(sensitivity), best_without(sensitivity)}) {
    const size_t count = shortest(order, target_db, measure, std::min(at_least, order.size()));
    SkippedLayers found = pruned(beginning(order, count, measure), order, target_db, measure, at_least);
    const bool is_better =
        !has_best || found.layers.size() < best.layers.size() ||
        (found.layers.size() == best.layers.size() && found.effect.sqnr_db() > best.effect.sqnr_db());
    if (is_better) best = std::move(found);
    has_best = true;
  }
  return best;
}

SkippedLayers best_to_skip(const Sensitivity& sensitivity, size_t count, const MeasureWithout& measure) {
  const size_t fitting = std::min(count, sensitivity.layers.size());
  SkippedLayers one = beginning(worst_alone(sensitivity), fitting, measure);
  SkippedLayers other = beginning(best_without(sensitivity), fitting, measure);
  return one.effect.sqnr_db() >= other.effect.sqnr_db() ? std::move(one) : std::move(other);
}

}  // namespace graftwork::core
