#include "graftwork/quant/affordable_threads.h"

#include <algorithm>

#include "graftwork/base/available_memory.h"
#include "graftwork/base/saturating.h"
#include "graftwork/ir/peak_memory.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

/// The types of a micro-batch. A sample is looked at only where the network leaves a size open.
std::vector<TensorType> types_of(const GraphModule& module, const SampleSource& samples, const Batching& batching) {
  std::vector<TensorType> types;
  for (const Node* input : module.graph().inputs()) types.push_back(input->tensor() ? *input->tensor() : TensorType());
  for (size_t i = 0; i < types.size(); ++i) {
    if (batching.batched[i]) types[i].dims[0] = Dim(batching.size);
  }
  const bool are_known = std::ranges::all_of(types, [](const TensorType& type) { return type.is_static(); });
  if (are_known || samples.size() == 0) return types;
  const std::vector<at::Tensor> first = samples.samples(0, 1);
  for (size_t i = 0; i < types.size() && i < first.size(); ++i) {
    if (!first[i].defined()) continue;
    types[i] = type_of(first[i]);
    if (batching.batched[i] && types[i].rank() > 0) types[i].dims[0] = Dim(batching.size);
  }
  return types;
}

}  // namespace

int affordable_threads(const Network& network, const SampleSource& samples, int threads, int64_t limit,
                       const Load& load) {
  const Batching batching = batching_of(network.module);
  const std::vector<TensorType> inputs = types_of(network.module, samples, batching);
  const PeakMemory peak = peak_memory(network.module, inputs);
  int64_t each = saturating_product(load.runs, peak.bytes);
  for (const TensorType& type : inputs) each = saturating_sum(each, bytes_of(type));
  const int64_t shared = saturating_product(load.networks, parameter_bytes(network.module));
  const int64_t allowed = memory_within(limit);
  refuse_beyond(peak, saturating_sum(shared, each), allowed, load.doing);
  const int64_t wanted = SampleWorkers(threads, batching.micro_batches(samples.size())).count();
  if (each == 0 || wanted <= (allowed - shared) / each) return threads;
  return static_cast<int>(std::max<int64_t>((allowed - shared) / each, 1));
}

}  // namespace graftwork::core
