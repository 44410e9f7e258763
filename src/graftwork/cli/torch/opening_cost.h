// What looking at all constants of a network takes: whoever opens one asks whether it can be written, which does.
#pragma once

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core::cli {

/// Bytes of the constants and parameters that have to be computed, or put in order, from stored tensors; those that are
/// read where they lie cost nothing. The largest number where there are more.
int64_t bytes_of_computed_constants(const Network& network);

/// The most of them that are computed only to tell what cannot be written: 96 MiB, and eight times the stored tensors.
int64_t most_bytes_of_computed_constants(const Network& network);

}  // namespace graftwork::core::cli
