// Whether samples are what a network takes.
#pragma once

#include <string>
#include <vector>

#include "graftwork/nn/mask_values.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork::core {

class InputCheck {
 public:
  /// Refers to the network.
  explicit InputCheck(const Network& network);

  const Batching& batching() const { return batching_; }
  const MaskValues& masks() const { return masks_; }

  /// How many samples the tensors hold, 1 where no input is batched. Throws Error "nn.input" for another number of
  /// tensors, an undefined one, and one that is no dense tensor of the input's type and shape; the first axis of those
  /// that are batched may be of any size; "data.shape" where these are of several sizes, or empty.
  int64_t samples_in(const std::vector<at::Tensor>& inputs) const;
  /// Throws Error "data.value" where a number is NaN or infinite, but for −∞ in a mask. The first of the samples has
  /// the number `first`; `source`, where there is one, knows its file.
  void is_finite(const std::vector<at::Tensor>& inputs, int64_t first, const SampleSource* source = nullptr) const;

 private:
  std::vector<const Node*> inputs_;
  Batching batching_;
  MaskValues masks_;
};

}  // namespace graftwork::core
