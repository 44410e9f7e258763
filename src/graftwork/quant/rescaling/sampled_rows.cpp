#include "graftwork/quant/rescaling/sampled_rows.h"

#include <algorithm>
#include <vector>

#include "graftwork/nn/inference_runner.h"
#include "graftwork/quant/sample_choice.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

constexpr int64_t kRows = 256;

at::Tensor rows_of(const at::Tensor& value, int64_t axis, int64_t count) {
  const at::Tensor rows = value.transpose(axis, -1).flatten(0, -2).to(at::kFloat);
  if (rows.size(0) <= count) return rows.clone(at::MemoryFormat::Contiguous);
  at::Tensor places = at::empty({count}, at::kLong);
  for (int64_t i = 0; i < count; ++i) places[i] = i * rows.size(0) / count;
  return rows.index_select(0, places);
}

}  // namespace

std::map<Symbol, at::Tensor> sampled_rows(const Network& network, const std::map<Symbol, int64_t>& axes,
                                          const SampleSource& source, int64_t samples,
                                          const CalibrationOptions& options) {
  std::vector<ValueRef> watched;
  for (const Node& node : network.module.graph().nodes()) {
    if (axes.contains(node.name())) watched.push_back({&node, {}});
  }
  const InferenceRunner runner(network, watched);
  const Batching batching = batching_of(network.module);
  const std::vector<int64_t> numbers = chosen_micro_batches(source, batching, batching.micro_batches(samples), options);
  const int64_t count = kRows / static_cast<int64_t>(std::max<size_t>(numbers.size(), 1));
  std::vector<std::map<Symbol, at::Tensor>> parts(numbers.size());
  SampleWorkers(options.threads, static_cast<int64_t>(numbers.size())).run([&](int64_t i, int64_t) {
    const at::NoGradGuard no_grad;
    const int64_t begin = numbers[static_cast<size_t>(i)] * batching.size;
    const int64_t end = std::min(begin + batching.size, source.size());
    std::map<Symbol, at::Tensor>& part = parts[static_cast<size_t>(i)];
    const Watcher watcher = [&](const ValueRef& seen, at::Tensor& value) {
      if (value.numel() > 0) part.emplace(seen.node->name(), rows_of(value, axes.at(seen.node->name()), count));
    };
    runner.run(filled_up(source.samples(begin, end), batching), watcher, batching.size == 1);
  });
  std::map<Symbol, at::Tensor> rows;
  for (const auto& [name, axis] : axes) {
    std::vector<at::Tensor> found;
    for (const std::map<Symbol, at::Tensor>& part : parts) {
      if (const auto at = part.find(name); at != part.end()) found.push_back(at->second);
    }
    if (!found.empty()) rows.emplace(name, at::cat(found));
  }
  return rows;
}

}  // namespace graftwork::core
