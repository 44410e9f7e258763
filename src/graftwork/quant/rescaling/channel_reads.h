// Who reads the channels of a value, and whether a factor on each can be moved past them.
#pragma once

#include <string>
#include <vector>

#include "graftwork/ir/graph_module.h"
#include "graftwork/quant/rescaling/channel_layout.h"

namespace graftwork::core {

/// A layer whose input channels are the channels of the value, each or some of them, in any order.
struct ChannelReader {
  ModuleId layer;                 ///< Convolution or linear layer.
  Symbol kernel;                  ///< Path of the module that is called, of which the layer is a part, or itself.
  Symbol input;                   ///< Name of the value that the layer reads.
  std::vector<int64_t> channels;  ///< The channel at each of its input channels.
};

struct ChannelReads {
  std::vector<ChannelReader> readers;
  /// Kernels of attention whose values they are: their results have the channels.
  std::vector<const Node*> attention;
  /// Why a factor cannot be moved into the readers; empty where it can.
  std::string refusal;
};

/// Follows the channels through what moves them, what acts linearly on each, and what a positive factor passes: ReLU,
/// pooling, the sums of attention over its keys.
ChannelReads channel_reads(const GraphModule& module, const Node& value, const ChannelLayout& layout);
/// Of some uses of a value alone.
ChannelReads channel_reads(const GraphModule& module, const std::vector<const Use*>& uses, const ChannelLayout& layout);

/// A norm or layer that makes channels, and what they become behind the kernel that it is a part of.
struct ChannelSource {
  const Node* call = nullptr;   ///< In the network.
  ModuleId module;              ///< The norm or layer.
  int64_t channels = 0;         ///< How many it makes.
  const Node* value = nullptr;  ///< What leaves the kernel: its result, or one of several.
  ChannelLayout layout;         ///< Of the channels that are in it.
  std::string refusal = {};     ///< Why they do not leave the kernel as they are made; `value` is null then.
};

/// Of each norm of affine form (layer norm and RMS norm over one axis, batch norm) and each layer, one for each result
/// of the kernel around it that has channels which no other result has, in the order of the graph. A layer with a batch
/// norm behind it is none: the batch norm is.
std::vector<ChannelSource> channel_sources(const GraphModule& module);

/// How many nodes call each module, and how many modules have it as a part.
class ModuleUses {
 public:
  explicit ModuleUses(const GraphModule& module);
  bool is_single(ModuleId id) const { return counts_[id.index] == 1; }

 private:
  std::vector<size_t> counts_;  // by index of the record
};

}  // namespace graftwork::core
