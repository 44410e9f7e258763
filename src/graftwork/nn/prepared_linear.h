// Linear layers prepared for inference.
#pragma once

#include "graftwork/nn/program.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork {

/// Prepares the only layer of a body, where it is an nn.Linear whose weight is quantized: its weight is rounded once.
/// What it computes is the same to the bit.
Preparer prepared_linears(const TensorStore& tensors);

}  // namespace graftwork
