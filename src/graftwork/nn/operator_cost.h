// What an operator takes that runs while a network is opened, told by shapes alone.
#pragma once

#include <ATen/core/stack.h>

#include <vector>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

struct OperatorCost {
  /// Each of at most a nanosecond: four for an element read or written, one for a multiplication, or for as many of
  /// those in a product of matrices as take no longer.
  int64_t steps = 0;
  /// Bytes that the kernel makes for itself beside its results: windows side by side, operands repeated for a batch.
  int64_t scratch = 0;
};

/// Of an operator of the list (allowed_operators.h) that makes `results`; tensors may be of the device "meta". The
/// largest numbers for other operators, and where there are more.
OperatorCost cost_of(Symbol op, const torch::jit::Stack& arguments, const std::vector<at::Tensor>& results);

}  // namespace graftwork::core
