// `graftwork sensitivity`: what the quantization of each layer costs, and which layers to leave out.
#pragma once

#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// Measures, prints a ranking unless quiet, and writes the report and the recipe where they are asked for. With a
/// checkpoint the figures are kept as they come, and a later call goes on with them.
void sensitivity(const SensitivityRequest& request);

}  // namespace graftwork::core::cli
