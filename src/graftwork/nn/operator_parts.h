// Operators that make many tensors of one.
#pragma once

#include <ATen/core/stack.h>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// How many tensors an operator makes of its first argument, or more. Negative where a file says so.
using OperatorParts = int64_t (*)(const torch::jit::Stack& arguments);

/// Null for an operator that makes a fixed number of them; unbind, chunk and the splits do not.
OperatorParts find_operator_parts(Symbol op);

}  // namespace graftwork::core
