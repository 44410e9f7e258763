// Where the input channels of a layer lie in what it reads.
#pragma once

#include "graftwork/ir/module_table.h"

namespace graftwork::core {

/// From the back, where an axis of samples makes no difference: the channels of a convolution stand in front of its
/// spatial axes, those of a linear layer last.
inline int64_t input_axis(const ModuleRecord& layer) {
  return 1 - static_cast<int64_t>(layer.param("weight")->type().rank());
}

}  // namespace graftwork::core
