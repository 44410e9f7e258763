// Max pooling with steps between the elements of a window, for engines whose pools have none.
#pragma once

#include "graftwork/export/module_lowering.h"

namespace graftwork::core {

/// The maximum of strided slices, one axis after the other. Padding is −∞: "padding" of the module in front, and
/// `behind` (one number for each axis of the kernel), with which whole windows alone are as many as the pool has.
std::string lower_dilated_max_pool(Lowering& lowering, const ModuleCall& call, const std::vector<int64_t>& behind);

}  // namespace graftwork::core
