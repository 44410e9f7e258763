// Batch norm as a scale and an offset per channel.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// y = factor · x + offset per channel, in double precision, each [channels]:
/// factor = γ / √(running_var + ε), offset = β − running_mean · factor. Missing γ, β are 1, 0.
struct ChannelAffine {
  at::Tensor factor;
  at::Tensor offset;
};
ChannelAffine batch_norm_affine(const ModuleRecord& batch_norm, const TensorStore& tensors);

/// What a convolution or linear layer becomes with the batch norm behind it taken in.
struct FoldedLayer {
  at::Tensor factor;  ///< Per output channel, double; undefined without batch norm.
  at::Tensor bias;    ///< bias · factor + offset, in the weight's type; undefined without bias and batch norm.
};
FoldedLayer fold_batch_norm(const ModuleRecord& layer, const ModuleRecord* batch_norm, const TensorStore& tensors);

/// weight · factor along the output channels of `layer`; the weight itself when `factor` is undefined.
at::Tensor fold_into_weight(const ModuleRecord& layer, const at::Tensor& weight, const at::Tensor& factor);

}  // namespace graftwork::core
