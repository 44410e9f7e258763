// Recipes and options of the public headers as those of the rooms.
#pragma once

#include <graftwork/quantize.h>

#include "graftwork/quant/quantize.h"

namespace graftwork::detail {

/// Throws Error "config.*".
core::QuantConfig to_core(const QuantConfig& config);
QuantConfig from_core(const core::QuantConfig& config);

core::DType to_core(FloatType type);
/// Throws Error "plan.*", "scales.*" for texts that are none.
core::QuantizeOptions to_core(const QuantizeOptions& options);

}  // namespace graftwork::detail
