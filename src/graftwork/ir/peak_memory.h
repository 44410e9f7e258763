// What running a network takes, before it runs.
#pragma once

#include <functional>
#include <span>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

struct PeakMemory {
  /// Of all values that live at once, and of what a layer needs beside them; parameters and inputs aside.
  int64_t bytes = 0;
  /// Where that is; null where nothing takes any.
  const Node* node = nullptr;
  /// What it gives.
  Type type = {};
};

/// Follows the executors: nodes in order, a value lives until its last reader, views are no values of their own, and
/// layers take what they need while they run (scratch_memory.h). Types are computed again from those of
/// the inputs; where an operator has no shape function, the recorded type counts, its symbols read from the inputs.
/// What is known only while the network runs counts as nothing. `is_kept`: values that outlive the run; null: the
/// results. Linear in the nodes.
PeakMemory peak_memory(const GraphModule& module, std::span<const TensorType> inputs,
                       const std::function<bool(const Node&)>& is_kept = nullptr);

/// Bytes of a tensor of these extents; 0 where one is not known, the largest number where there is none so large.
int64_t bytes_of(const TensorType& type);

/// Bytes of all stored tensors that the network reads.
int64_t parameter_bytes(const GraphModule& module);

/// Throws Error "memory.limit" where `needed` bytes at `peak` are more than `allowed`. `doing`: "running the network".
void refuse_beyond(const PeakMemory& peak, int64_t needed, int64_t allowed, std::string_view doing);

}  // namespace graftwork::core
