// Factors on channels, moved from where the channels are made to where they are read.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/rescaling/channel_reads.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork {

/// Largest magnitude of the weights of each input channel: [channels], float.
at::Tensor input_channel_amax(const ModuleRecord& layer, const TensorStore& tensors);

/// The greatest for each of `count` channels of what a reader has for its input channels; 0 where it reads none.
at::Tensor by_channel(const at::Tensor& of_inputs, const std::vector<int64_t>& channels, int64_t count);

/// Whether a factor may go into its weight, and what is in the way. `uses`: of the same network.
Outcome takes_factors(const GraphModule& module, const ModuleUses& uses, ModuleId layer_or_norm, ModuleId kernel);

/// Divides the channels that the norm or layer makes: weight and bias become products of what they were with a new
/// stored tensor, 1 / factors. A norm without weight gets one. `factors`: [channels], double.
void divide_channels(Graft& graft, ModuleId norm_or_layer, const at::Tensor& factors, TensorStore& tensors);

/// Multiplies the weights by the factors of the channels that they meet, in the same way.
void multiply_inputs(Graft& graft, const ChannelReader& reader, const at::Tensor& factors, TensorStore& tensors);

}  // namespace graftwork
