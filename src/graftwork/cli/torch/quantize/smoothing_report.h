// What SmoothQuant moved, for people and for the report.
#pragma once

#include <string>
#include <vector>

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/quant/rescaling/cross_layer_equalization.h"
#include "graftwork/quant/rescaling/outlier_channels.h"
#include "graftwork/quant/rescaling/smooth_quant.h"

namespace graftwork::core::cli {

/// "24 of 26 pairs, factors 0.031 to 12"; none where the recipe asks for no smoothing.
std::vector<std::string> smoothing_lines(const std::vector<SmoothedPair>& pairs);

/// A list of {"source", "readers", "alpha" or "limit", "smallest_factor", "largest_factor"}, or, of a pair that is left
/// as it is,
/// {"source", "readers", "refused"}. The weights of the source and the readers are no longer the network's own.
Json smoothing_json(const std::vector<SmoothedPair>& pairs);

/// "%relu: by up to 5.1, in conv1, the products behind it win 12 dB", a line for each.
std::vector<std::string> outlier_lines(const std::vector<DividedTensor>& tensors);

/// A list of {"tensor", "source" of what took the factors in, "readers", "limit", "largest_factor", "gained_db"}.
Json outliers_json(const std::vector<DividedTensor>& tensors);

/// "12 of 30 pairs, factors 0.1 to 3.1"; none where the recipe does not ask for it.
std::vector<std::string> equalization_lines(const std::vector<EqualizedPair>& pairs);

/// As smoothing_json, without a strength.
Json equalization_json(const std::vector<EqualizedPair>& pairs);

}  // namespace graftwork::core::cli
