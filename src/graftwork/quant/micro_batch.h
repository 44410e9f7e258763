// How a network takes samples.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Whether the graph's shape functions hold for any batch, whatever its inputs declare.
bool holds_for_any_batch(const GraphModule& module);

struct Batching {
  /// Samples in one call, a micro-batch: 1 when the graph's shape functions hold for any batch, else the batch size
  /// that the inputs declare (1 where that is symbolic).
  int64_t size = 1;
  /// For each input: its first axis holds the samples. A number, or an input whose first extent is another than that of
  /// most inputs, has one value for a whole call.
  std::vector<bool> batched;

  int64_t micro_batches(int64_t samples) const { return (samples + size - 1) / size; }
};

Batching batching_of(const GraphModule& module);

/// A micro-batch that lacks samples, filled up with copies of its last one, so that every micro-batch runs the same
/// kernels.
std::vector<at::Tensor> filled_up(std::vector<at::Tensor> inputs, const Batching& batching);

}  // namespace graftwork::core
