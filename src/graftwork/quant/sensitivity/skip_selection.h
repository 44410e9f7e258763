// Which layers to leave in floating point.
#pragma once

#include <functional>
#include <vector>

#include "graftwork/quant/sensitivity/sensitivity.h"

namespace graftwork::core {

/// Layers to skip, by index in Sensitivity::layers, in the order of the network; what is left then.
struct SkippedLayers {
  std::vector<size_t> layers;
  Effect effect;
};

/// Measures a network without these layers' quantization.
using MeasureWithout = std::function<Effect(const std::vector<size_t>& layers)>;

/// The layers, those first that cost most by themselves.
std::vector<size_t> worst_alone(const Sensitivity& sensitivity);
/// The layers, those first without which most is won.
std::vector<size_t> best_without(const Sensitivity& sensitivity);

/// The fewest layers without which the results keep `target_db`: the shortest beginning of either order that reaches
/// it, found by halving, from which those are taken back, the least costly first, that it can do without. Greedy: a
/// smaller set may exist. `measure` has the last word on the set that is returned. `at_least`: no fewer than these.
SkippedLayers fewest_to_skip(const Sensitivity& sensitivity, double target_db, const MeasureWithout& measure,
                             size_t at_least = 0);

/// The better one of the first `count` layers of either order.
SkippedLayers best_to_skip(const Sensitivity& sensitivity, size_t count, const MeasureWithout& measure);

}  // namespace graftwork::core
