// `graftwork compare`: the way from the network in floating point to its file, rung by rung.
#pragma once

#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// Runs every rung on the same samples; prints how far each is from floating point and from the one before, and writes
/// the report where it is asked for.
void compare(const CompareRequest& request);

}  // namespace graftwork::core::cli
