// Arithmetic on run-time sizes: the operators that exported programs call on symbolic integers.
#pragma once

#include <ATen/core/ivalue.h>

#include <vector>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// Whether `op` ("sym.add", "sym.floordiv", ...) is one of them.
bool is_size_operator(Symbol op);

/// Evaluates it on integers, floats or booleans. Throws Error "nn.size" (division by zero, a result beyond 64 bits,
/// wrong operands).
c10::IValue run_size_operator(Symbol op, const std::vector<c10::IValue>& operands);

}  // namespace graftwork::core
