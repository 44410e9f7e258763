// The graph's names of an exported program's operators.
#pragma once

#include <string_view>

#include "graftwork/base/symbol.h"

namespace graftwork::core::pt2 {

/// "torch.ops.aten.conv2d.default" → "aten.conv2d.default", "_operator.mul" → "sym.mul".
Symbol operator_name(std::string_view target);

}  // namespace graftwork::core::pt2
