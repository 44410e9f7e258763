// What quantizing both operands costs a layer's products.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/rescaling/operand_rounding.h"

namespace graftwork::core {

/// A layer's weight and rows of what it reads.
struct LayerProducts {
  at::Tensor rows;    ///< [rows, in], float
  at::Tensor weight;  ///< [out, in / groups, kernel …], float
  int64_t groups = 1;
};

LayerProducts layer_products(const ModuleRecord& layer, const TensorStore& tensors, const at::Tensor& rows);

/// Σ (Q(x / s) · Q(W · s) − x · W)² over rows, output channels and taps of the kernel, each tap by itself, with ranges
/// by the methods of `rounding` on these rows; a moving average counts as minmax. `factors`: [in], float; undefined: 1.
double product_error(const LayerProducts& layer, const at::Tensor& factors, const OperandRounding& rounding);

/// Σ (s · Q(x / s) − x)² over rows, of each channel, with the range as there: [in], float.
at::Tensor activation_errors(const at::Tensor& rows, const at::Tensor& factors, const TensorQuantConfig& config);

/// Σ W² over output channels and taps, of each input channel: [in], float.
at::Tensor weight_energy(const LayerProducts& layer);

/// Σ (s · Q(W / s) − W)² over output channels and taps, of each input channel: [in], float.
at::Tensor weight_errors(const LayerProducts& layer, const WeightQuantConfig& config);

}  // namespace graftwork::core
