// Factors on channels, moved from where the channels are made to where they are read.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/rescaling/channel_reads.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {

/// Largest magnitude of the weights that meet each input channel, or that make each output channel: [channels], float.
/// `weight` is the layer's, or has its shape.
at::Tensor input_channel_amax(const ModuleRecord& layer, const at::Tensor& weight);
at::Tensor output_channel_amax(const ModuleRecord& layer, const at::Tensor& weight);

/// Factors for input channels, or for output channels, in a shape that multiplies the weight.
at::Tensor input_factors(const ModuleRecord& layer, const at::Tensor& factors, const at::Tensor& weight);
at::Tensor output_factors(const ModuleRecord& layer, const at::Tensor& factors, const at::Tensor& weight);

/// The greatest for each of `count` channels of what a reader has for its input channels; 0 where it reads none.
at::Tensor by_channel(const at::Tensor& of_inputs, const std::vector<int64_t>& channels, int64_t count);
/// What each of a reader's input channels has of that for each channel.
at::Tensor by_input(const at::Tensor& of_channels, const std::vector<int64_t>& channels);

/// `name`, or `name` with the first number behind it that is not taken.
std::string fresh_name(const std::string& name, const std::function<bool(const std::string&)>& is_taken);

/// Whether a factor may go into its weight, and what is in the way. `uses`: of the same network.
Outcome takes_factors(const GraphModule& module, const ModuleUses& uses, ModuleId layer_or_norm, ModuleId kernel);

/// Divides the channels that the norm or layer makes: weight and bias become products of what they were with a new
/// stored tensor, 1 / factors. A norm without weight gets one. `factors`: [channels], double.
void divide_channels(Graft& graft, ModuleId norm_or_layer, const at::Tensor& factors, TensorStore& tensors);

/// Multiplies the weights by the factors of the channels that they meet, in the same way.
void multiply_inputs(Graft& graft, const ChannelReader& reader, const at::Tensor& factors, TensorStore& tensors);

}  // namespace graftwork::core
