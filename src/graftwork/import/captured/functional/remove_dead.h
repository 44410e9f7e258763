// Calls whose results nobody reads.
#pragma once

#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// Removes calls that the program's results do not depend on: what it leaves in buffers and inputs is no result.
/// Assertions go too.
void remove_dead(Program& program);

}  // namespace graftwork::core::captured
