// The operators that may run while a network is opened: to fold constants, to take composites apart, to compute
// parameters. Everything else stays in the graph until the network itself is run.
#pragma once

#include "graftwork/base/outcome.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::core {

/// Whether `op` is on the list: it computes, on the values that it is given, and writes to none of them.
bool is_allowed(Symbol op);

/// Whether it is one of those that factorise matrices, by LAPACK, or multiply many of them.
bool takes_matrices(Symbol op);

/// Whether an operator of the list may run on these arguments while a network is opened, beside what is asked of them
/// wherever it runs (argument_checks.h): indices lie inside of what they index. Shapes are not asked about: they are
/// torch's to check, on the device "meta", before.
Outcome check_arguments(Symbol op, const torch::jit::Stack& arguments);

/// Steps that an operator of the list needs to make `results`, each of at most a nanosecond: four for an element read
/// or written, one for a multiplication, or for as many of those in a product of matrices as take no longer. The
/// largest number where there are more.
int64_t work_of(Symbol op, const torch::jit::Stack& arguments, const std::vector<at::Tensor>& results);

}  // namespace graftwork::core
