// The operators that may run while a network is opened: to fold constants, to take composites apart, to compute
// parameters. Everything else stays in the graph until the network itself is run.
#pragma once

#include <optional>

#include "graftwork/base/outcome.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::core {

/// Whether `op` is on the list: it computes, on the values that it is given, and writes to none of them.
bool is_allowed(Symbol op);

/// What takes its time (operator_cost.h).
enum class Work : uint8_t {
  kElements,  ///< Going through elements.
  kIndices,   ///< The same, by indices, which must lie inside.
  kProduct,   ///< Products of matrices, and convolutions.
  kMatrices,  ///< Factorising matrices, by LAPACK, or multiplying many of them.
  kSorting,
};

/// Nothing for an operator that is not on the list.
std::optional<Work> kind_of_work(Symbol op);

/// Whether an operator of the list may run on these arguments while a network is opened, beside what is asked of them
/// wherever it runs (argument_checks.h): indices lie inside of what they index, exponents are such
/// as layers have. Shapes are not asked about: they are
/// torch's to check, on the device "meta", before.
Outcome check_arguments(Symbol op, const torch::jit::Stack& arguments);

}  // namespace graftwork::core
