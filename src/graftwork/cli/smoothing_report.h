// What SmoothQuant moved, for people and for the report.
#pragma once

#include <string>
#include <vector>

#include "graftwork/cli/report_json.h"
#include "graftwork/quant/rescaling/smooth_quant.h"

namespace graftwork::cli {

/// "24 of 26 pairs, factors 0.031 to 12"; none where the recipe asks for no smoothing.
std::vector<std::string> smoothing_lines(const std::vector<SmoothedPair>& pairs);

/// A list of {"source", "readers", "alpha", "smallest_factor", "largest_factor"}, or, of a pair that is left as it is,
/// {"source", "readers", "refused"}. The weights of the source and the readers are no longer the network's own.
Json smoothing_json(const std::vector<SmoothedPair>& pairs);

}  // namespace graftwork::cli
