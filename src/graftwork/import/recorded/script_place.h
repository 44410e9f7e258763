// Where TorchScript's interpreter is.
#pragma once

#include "graftwork/import/recorded/record.h"

namespace graftwork::core::recorded {

/// The module whose code this thread's interpreter runs. Of traced and frozen code as much as it says.
ModulePlace script_place();

}  // namespace graftwork::core::recorded
