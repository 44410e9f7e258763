#include "graftwork/nn/run_memory.h"

#include <vector>

#include "graftwork/base/available_memory.h"
#include "graftwork/base/saturating.h"
#include "graftwork/ir/peak_memory.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {

namespace {

/// Nothing is known of inputs that lie elsewhere.
PeakMemory peak_on(const GraphModule& module, std::span<const at::Tensor> inputs,
                   const std::function<bool(const Node&)>& is_kept) {
  std::vector<TensorType> types;
  for (const at::Tensor& input : inputs) {
    if (!input.defined() || !input.is_cpu() || input.layout() != at::kStrided) return {};
    types.push_back(type_of(input));
  }
  return peak_memory(module, types, is_kept);
}

}  // namespace

void check_memory(const GraphModule& module, std::span<const at::Tensor> inputs, int64_t limit,
                  const std::function<bool(const Node&)>& is_kept) {
  const PeakMemory peak = peak_on(module, inputs, is_kept);
  refuse_beyond(peak, peak.bytes, memory_within(limit), "running the network");
}

void check_memory_of_two(const GraphModule& module, std::span<const at::Tensor> inputs, int64_t limit, int64_t kept) {
  const PeakMemory peak = peak_on(module, inputs, nullptr);
  const int64_t both = saturating_sum(saturating_product(2, peak.bytes), parameter_bytes(module));
  const int64_t needed = saturating_sum(both, kept);
  refuse_beyond(peak, needed, memory_within(limit), "running two networks side by side");
}

}  // namespace graftwork::core
