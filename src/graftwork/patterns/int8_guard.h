// Which convolutions have an INT8 kernel.
#pragma once

#include "graftwork/base/outcome.h"
#include "graftwork/ir/module_table.h"

namespace graftwork {

/// Rule F13: no transposed one. Rule S1: in a grouped convolution both in/groups and out/groups must be multiples of 4,
/// true depthwise (groups = in) excepted. Any module that is no convolution passes.
Outcome int8_kernel_exists(const ModuleRecord& module);

}  // namespace graftwork
