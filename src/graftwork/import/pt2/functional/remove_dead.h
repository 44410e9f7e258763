// Calls whose results nobody reads.
#pragma once

#include "graftwork/import/pt2/schema.h"

namespace graftwork::pt2 {

/// Removes calls that the program's results do not depend on: what it leaves in buffers and inputs is no result.
/// Assertions go too.
void remove_dead(ExportedProgram& program);

}  // namespace graftwork::pt2
