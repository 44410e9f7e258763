// Looks at the inputs of a network while it is calibrated.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/channel_mean.h"
#include "graftwork/quant/inputs/input_facts.h"

namespace graftwork::core {

/// What was seen of one input: exact sums, whatever the order.
struct InputSums {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  ChannelMean mean;
  ChannelMean square;
  ChannelMean patch_mean;    ///< Of what the window of the first convolution covers; empty where none has a batch norm.
  ChannelMean patch_moment;  ///< Of products of two elements of that.

  void merge(const InputSums& other);
};

class InputProbe {
 public:
  explicit InputProbe(const Network& network);
  ~InputProbe();
  InputProbe(const InputProbe&) = delete;
  InputProbe& operator=(const InputProbe&) = delete;

  /// Adds the inputs of a micro-batch, in signature order, to `sums`, which has one for each or is empty. From any
  /// thread.
  void look(const std::vector<at::Tensor>& inputs, std::vector<InputSums>& sums) const;
  /// Of inputs of floating point, in signature order.
  std::vector<InputFacts> facts(const std::vector<InputSums>& sums) const;

 private:
  class Input;

  std::vector<std::unique_ptr<Input>> inputs_;  // null for an input of another type
};

}  // namespace graftwork::core
