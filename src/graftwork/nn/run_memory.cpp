#include "graftwork/nn/run_memory.h"

#include <vector>

#include "graftwork/base/available_memory.h"
#include "graftwork/ir/peak_memory.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {

void check_memory(const GraphModule& module, std::span<const at::Tensor> inputs, int64_t limit,
                  const std::function<bool(const Node&)>& is_kept) {
  std::vector<TensorType> types;
  for (const at::Tensor& input : inputs) {
    if (!input.defined() || !input.is_cpu() || input.layout() != at::kStrided) return;
    types.push_back(type_of(input));
  }
  const PeakMemory peak = peak_memory(module, types, is_kept);
  refuse_beyond(peak, peak.bytes, limit > 0 ? limit : available_memory(), "running the network");
}

}  // namespace graftwork::core
