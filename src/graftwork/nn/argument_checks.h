// What kernels of torch take for granted of their arguments. A file says what it likes, so it is asked before they run.
#pragma once

#include <ATen/core/stack.h>

#include "graftwork/base/outcome.h"
#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// Declines arguments, in the order of the schema, on which the kernel would read or write what is not its own, end the
/// process, or leave memory unwritten that is part of its result. Elements are read where only they can say so, and
/// only of tensors that have some, on the CPU.
using ArgumentCheck = Outcome (*)(const torch::jit::Stack& arguments);

/// Null where torch itself checks everything.
ArgumentCheck find_argument_check(Symbol op);

}  // namespace graftwork::core
