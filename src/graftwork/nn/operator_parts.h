// Operators that make many tensors of one.
#pragma once

#include <ATen/core/stack.h>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// How many tensors an operator makes of its first argument, be it unbind, chunk or one of the splits, or more; 1 for
/// others. Negative where a file says so.
int64_t parts_of(Symbol op, const torch::jit::Stack& arguments);

}  // namespace graftwork::core
