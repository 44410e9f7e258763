#include "graftwork/quant/rescaling/sampled_rows.h"

#include <algorithm>
#include <vector>

#include "graftwork/base/error.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork {
namespace {

constexpr int64_t kRows = 128;

at::Tensor rows_of(const at::Tensor& value, int64_t axis) {
  const at::Tensor rows = value.transpose(axis, -1).flatten(0, -2).to(at::kFloat);
  if (rows.size(0) <= kRows) return rows.clone(at::MemoryFormat::Contiguous);
  at::Tensor places = at::empty({kRows}, at::kLong);
  for (int64_t i = 0; i < kRows; ++i) places[i] = i * rows.size(0) / kRows;
  return rows.index_select(0, places);
}

/// FNV-1a over the bytes of all inputs.
uint64_t hash_of(const std::vector<at::Tensor>& inputs) {
  uint64_t hash = 14695981039346656037ULL;
  for (const at::Tensor& input : inputs) {
    const at::Tensor dense = input.contiguous();
    const auto* bytes = static_cast<const unsigned char*>(dense.const_data_ptr());
    for (size_t i = 0; i < dense.nbytes(); ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
  }
  return hash;
}

/// Numbers of at most `count` micro-batches, by what they hold: the same ones whatever the order of samples.
std::vector<int64_t> chosen(const SampleSource& source, const Batching& batching, int64_t count,
                            const CalibrationOptions& options) {
  const int64_t all = batching.micro_batches(source.size());
  std::vector<std::pair<uint64_t, int64_t>> hashes(static_cast<size_t>(all));
  SampleWorkers(options.threads, all).run([&](int64_t i, int64_t) {
    if (options.interrupted && options.interrupted())
      throw Error("interrupted", "stopped before the calibration was done");
    const int64_t begin = i * batching.size, end = std::min(begin + batching.size, source.size());
    hashes[static_cast<size_t>(i)] = {hash_of(source.samples(begin, end)), i};
  });
  std::sort(hashes.begin(), hashes.end());
  hashes.resize(static_cast<size_t>(std::min(all, count)));
  std::vector<int64_t> numbers;
  for (const auto& [hash, number] : hashes) numbers.push_back(number);
  return numbers;
}

}  // namespace

std::map<Symbol, at::Tensor> sampled_rows(const Network& network, const std::map<Symbol, int64_t>& axes,
                                          const SampleSource& source, int64_t micro_batches,
                                          const CalibrationOptions& options) {
  std::vector<ValueRef> watched;
  for (const Node& node : network.module.graph().nodes()) {
    if (axes.contains(node.name())) watched.push_back({&node, {}});
  }
  const InferenceRunner runner(network, watched);
  const Batching batching = batching_of(network.module);
  const std::vector<int64_t> numbers = chosen(source, batching, micro_batches, options);
  std::vector<std::map<Symbol, at::Tensor>> parts(numbers.size());
  SampleWorkers(options.threads, static_cast<int64_t>(numbers.size())).run([&](int64_t i, int64_t) {
    const at::NoGradGuard no_grad;
    const int64_t begin = numbers[static_cast<size_t>(i)] * batching.size;
    const int64_t end = std::min(begin + batching.size, source.size());
    std::map<Symbol, at::Tensor>& part = parts[static_cast<size_t>(i)];
    const Watcher watcher = [&](const ValueRef& seen, at::Tensor& value) {
      if (value.numel() > 0) part.emplace(seen.node->name(), rows_of(value, axes.at(seen.node->name())));
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

}  // namespace graftwork
