#include "graftwork/quant/gptq/second_moments.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

constexpr double kLargest = 0x1p48;

size_t upper_size(int64_t channels) { return static_cast<size_t>(channels) * static_cast<size_t>(channels + 1) / 2; }

}  // namespace

SecondMoments::SecondMoments(int64_t channels) : channels_(channels), upper_(upper_size(channels)) {}

int64_t SecondMoments::bytes(int64_t channels) { return static_cast<int64_t>(upper_size(channels) * sizeof(Fixed)); }

void SecondMoments::add(const at::Tensor& values) {
  const at::Tensor rows = values.reshape({-1, channels_}).to(at::kFloat);
  const at::Tensor products = at::mm(rows.t(), rows);
  const float* product = products.const_data_ptr<float>();
  const std::scoped_lock lock(mutex_);
  size_t at = 0;
  for (int64_t i = 0; i < channels_; ++i) {
    for (int64_t j = i; j < channels_; ++j) upper_[at++] += to_fixed(product[i * channels_ + j], kLargest);
  }
  rows_ += rows.size(0);
}

at::Tensor SecondMoments::value() const {
  at::Tensor result = at::empty({channels_, channels_}, at::kDouble);
  double* to = result.mutable_data_ptr<double>();
  size_t at = 0;
  for (int64_t i = 0; i < channels_; ++i) {
    for (int64_t j = i; j < channels_; ++j) {
      const double sum = to_double(upper_[at++]);
      to[i * channels_ + j] = to[j * channels_ + i] = sum;
    }
  }
  return result;
}

void collect_second_moments(const Network& network, const std::vector<LayerInputs>& layers, const SampleSource& source,
                            const CalibrationOptions& options, std::vector<SecondMoments*> moments) {
  const InferenceRunner runner(network, values_of(layers));
  const Batching batching = batching_of(network.module);
  const SampleWorkers workers(options.threads, batching.micro_batches(source.size()));
  workers.run([&](int64_t index, int64_t) {
    const at::NoGradGuard no_grad;
    if (options.interrupted && options.interrupted())
      throw Error("interrupted", "stopped before the weights were rounded");
    const int64_t begin = index * batching.size, end = std::min(begin + batching.size, source.size());
    const Watcher watcher = [&](const ValueRef& seen, at::Tensor& value) {
      check_finite(seen, value, begin, end);
      for (size_t i = 0; i < layers.size(); ++i) {
        const auto calls = std::count(layers[i].begin(), layers[i].end(), seen);
        for (int64_t call = 0; call < calls; ++call) moments[i]->add(value);
      }
    };
    runner.run(filled_up(source.samples(begin, end), batching), watcher, batching.size == 1);
  });
}

}  // namespace graftwork::core
