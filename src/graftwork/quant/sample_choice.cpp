#include "graftwork/quant/sample_choice.h"

#include <algorithm>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/hash.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

/// Of the bytes of all inputs.
uint64_t hash_of(const std::vector<at::Tensor>& inputs) {
  uint64_t hash = kHashOfNothing;
  for (const at::Tensor& input : inputs) {
    const at::Tensor dense = input.contiguous();
    hash = hash_on(hash, {static_cast<const char*>(dense.const_data_ptr()), dense.nbytes()});
  }
  return hash;
}

}  // namespace

std::vector<int64_t> chosen_micro_batches(const SampleSource& source, const Batching& batching, int64_t count,
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

}  // namespace graftwork::core
