// Fused convolutions prepared for inference on the CPU.
#pragma once

#include "graftwork/nn/executor.h"

namespace graftwork {

/// Prepares fused convolutions: batch norm folded, weights packed once, activation and residual add inside
/// oneDNN's kernel (`mkldnn::_convolution_pointwise`), channels last. Equal to the reference to rounding.
/// Weights and stubs are taken as float: this is the network that calibration watches. Other nodes, other
/// devices and other types than f32 run by the reference. `tensors` must hold the parameters.
Preparer fast_modules(const TensorStore& tensors);

}  // namespace graftwork
