// Linear layers prepared for inference on the CPU.
#pragma once

#include "graftwork/nn/program.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// Prepares the only layer of a body, where it is an nn.Linear of f32: oneDNN's product (`mkldnn::_linear_pointwise`),
/// which needs no second copy of the weight. A quantized weight is rounded when the layer runs, for the same reason.
/// Equal to the layer to rounding. `tensors` must hold the parameters as long as what is prepared runs.
Preparer prepared_linears(const TensorStore& tensors);

}  // namespace graftwork::core
