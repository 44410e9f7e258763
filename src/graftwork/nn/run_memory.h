// Whether a run fits into memory.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <span>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Throws Error "memory.limit" where running the network on these inputs takes more than `limit` bytes on top of what
/// the process has, as ir/peak_memory.h counts them; 0: what the machine has left. `is_kept`: values that outlive the
/// run.
void check_memory(const GraphModule& module, std::span<const at::Tensor> inputs, int64_t limit,
                  const std::function<bool(const Node&)>& is_kept = nullptr);

/// The same for two runs side by side, of this network and of one made of it, with weights of its own, and `kept` bytes
/// beside them.
void check_memory_of_two(const GraphModule& module, std::span<const at::Tensor> inputs, int64_t limit, int64_t kept);

}  // namespace graftwork::core
