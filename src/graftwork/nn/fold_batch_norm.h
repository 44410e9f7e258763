// Batch norm as a scale and an offset per channel.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/nn/tensor_store.h"

namespace graftwork {

/// y = factor · x + offset per channel, in double precision, each [channels]:
/// factor = γ / √(running_var + ε), offset = β − running_mean · factor. Missing γ, β are 1, 0.
struct ChannelAffine {
  at::Tensor factor;
  at::Tensor offset;
};
ChannelAffine batch_norm_affine(const ModuleRecord& batch_norm, const TensorStore& tensors);

/// A convolution or linear layer with the batch norm behind it taken in:
/// weight' = weight · factor (per output channel), bias' = bias · factor + offset, in the weight's type.
/// `bias` is defined whenever there is a bias or a batch norm.
struct FoldedLayer {
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor factor;  ///< Per output channel, double; undefined without batch norm.
};
FoldedLayer fold_batch_norm(const ModuleRecord& layer, const ModuleRecord* batch_norm, const TensorStore& tensors);

}  // namespace graftwork
