// What a recipe says of SmoothQuant.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graftwork/place/json_fields.h"

namespace graftwork::core {

/// How much of the difference between channels goes from an activation into the weights behind it, 0 to 1; nothing
/// where that is searched for each pair.
using SmoothingStrength = std::optional<double>;

struct SmoothQuantConfig {
  SmoothingStrength alpha = 0.5;
  /// For those pairs whose norm, value projection, attention or kernel has a path that fits: the first counts.
  std::vector<std::pair<std::string, SmoothingStrength>> pairs = {};
};

/// Reads
///     {"alpha": 0.5, "pairs": {"encoder.layers.*.norm1": 0.75, "head.norm": "search"}}
/// Throws Error "<code>.key" and "<code>.value" as JsonFields does.
SmoothQuantConfig read_smooth_quant(const JsonFields::Json& object, const std::string& code);

}  // namespace graftwork::core
