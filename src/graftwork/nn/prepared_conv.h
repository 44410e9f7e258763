// Convolutions of bodies prepared for inference on the CPU.
#pragma once

#include "graftwork/nn/program.h"

namespace graftwork::core {

/// Whether the layer's parameters are f32 on the CPU, which is what is prepared.
bool is_plain_f32(const ModuleRecord& layer, const TensorStore& tensors);

/// Prepares a two-dimensional convolution with what stands behind it in a body: batch norm folded, weight through its
/// quantizer and packed once, activation or residual add inside oneDNN's kernel (`mkldnn::_convolution_pointwise`),
/// channels last. What it takes in is found by patterns over the resolved body. Equal to the body's parts to rounding.
/// Other devices and other types than f32 are left to the parts. `tensors` must hold the parameters, for as long as
/// this makes them.
Preparer prepared_convolutions(const TensorStore& tensors);

}  // namespace graftwork::core
