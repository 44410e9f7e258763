// `graftwork run`: a network at any stage, on given inputs.
#pragma once

#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// Writes the results by name, and the inner values that were asked for by the names of their nodes. Where both
/// names are one, the result is written.
void run(const RunRequest& request);

}  // namespace graftwork::core::cli
