// A recipe as text.
#pragma once

#include <string>

#include "graftwork/place/quant_config.h"

namespace graftwork::core {

/// JSON with the keys that are as they are by default, too: parse_quant_config reads the same recipe. The same
/// bytes for the same recipe.
std::string quant_config_text(const QuantConfig& config);

}  // namespace graftwork::core
