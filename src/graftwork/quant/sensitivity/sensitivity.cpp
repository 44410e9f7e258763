#include "graftwork/quant/sensitivity/sensitivity.h"

#include <algorithm>
#include <mutex>
#include <numeric>

#include "graftwork/base/error.h"
#include "graftwork/quant/content_hash.h"
#include "graftwork/quant/measured_samples.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

bool has_float_output(const GraphModule& module) {
  const std::span<const Use> outputs = module.graph().output()->inputs();
  return std::ranges::any_of(outputs, [](const Use& use) {
    const Node& node = *use.producer();
    return node.tensor() && is_floating(node.tensor()->dtype);
  });
}

// Places of networks in a record.
constexpr size_t kFloat = 0, kQuantized = 1, kFirstLayer = 2;

std::vector<Symbol> modules_of(const std::vector<QuantizedLayer>& layers) {
  std::vector<Symbol> modules;
  for (const QuantizedLayer& layer : layers) modules.push_back(layer.module);
  return modules;
}

}  // namespace

/// Where the workers put what they have measured.
class SensitivityAnalysis::Recorder {
 public:
  Recorder(SensitivityRecord& record, size_t networks, size_t outputs, const SensitivityOptions& options)
      : record_(record), networks_(networks), stride_(Effect::number_count(outputs)), options_(options) {
    finished_ = std::count(record.done.begin(), record.done.end(), 1);
    if (options_.progress) options_.progress(finished_, std::ssize(record_.done));
  }

  bool has(int64_t batch, size_t network) const {
    const std::scoped_lock lock(mutex_);
    return record_.done[at(batch, network)] != 0;
  }

  void put(int64_t batch, size_t network, const Effect& effect) {
    const std::scoped_lock lock(mutex_);
    effect.write(std::span(record_.numbers).subspan(at(batch, network) * stride_, stride_));
    record_.done[at(batch, network)] = 1;
    ++finished_;
    if (options_.keep) options_.keep(record_);
    if (options_.progress) options_.progress(finished_, std::ssize(record_.done));
  }

  Effect get(int64_t batch, size_t network) const {
    return Effect::read(std::span(record_.numbers).subspan(at(batch, network) * stride_, stride_));
  }

 private:
  size_t at(int64_t batch, size_t network) const { return static_cast<size_t>(batch) * networks_ + network; }

  SensitivityRecord& record_;
  size_t networks_, stride_;
  const SensitivityOptions& options_;
  mutable std::mutex mutex_;
  int64_t finished_ = 0;
};

SensitivityAnalysis::SensitivityAnalysis(const Network& network, const QuantizationResult& quantized,
                                         const PlacementRules& rules, const SampleSource& source,
                                         SensitivityOptions options)
    : source_(source),
      options_(std::move(options)),
      layers_(quantized_layers(quantized)),
      outputs_(network.module.signature().outputs),
      batching_(batching_of(network.module)),
      float_(network),
      partial_(quantized.unquantized, quantized.network, modules_of(layers_), rules) {
  if (source.size() == 0) throw Error("data.empty", "there is no sample to measure on");
  if (options_.labels.empty() && !has_float_output(network.module))
    throw Error("data.outputs", "no output of the network is of floating point: nothing can be compared",
                "a network that ends in numbers instead of a choice among them, or labels");
  const bool has_labels = !options_.labels.empty();
  if (has_labels) labels_ = labels_for(network, source, options_.labels);
  const int64_t wanted = options_.samples == 0 && has_labels ? source.size() : options_.samples;
  chosen_ = measured_micro_batches(batching_, source.size(), wanted);
  for (const int64_t chosen : chosen_) samples_ += std::min(batching_.size, source.size() - chosen * batching_.size);
}

SensitivityRecord SensitivityAnalysis::empty_record() const {
  const size_t count = chosen_.size() * networks();
  return {std::vector<double>(count * Effect::number_count(outputs_.size())), std::vector<uint8_t>(count)};
}

SensitivityAnalysis::Batch SensitivityAnalysis::batch(int64_t index) const {
  const int64_t begin = chosen_[static_cast<size_t>(index)] * batching_.size;
  const int64_t end = std::min(begin + batching_.size, source_.size());
  return {begin, end - begin, filled_up(source_.samples(begin, end), batching_)};
}

void SensitivityAnalysis::check_interrupted() const {
  if (options_.interrupted && options_.interrupted())
    throw Error("interrupted", "stopped before all layers were measured");
}

Effect SensitivityAnalysis::effect(const Batch& batch, std::span<const at::Tensor> expected,
                                   std::span<const at::Tensor> results) const {
  Effect found;
  found.add(expected, results, labels(), batch.first, batch.samples);
  return found;
}

void SensitivityAnalysis::run_direction(int64_t index, const Batch& batch, std::span<const at::Tensor> expected,
                                        bool is_alone, Recorder& recorder) const {
  const size_t first = kFirstLayer + (is_alone ? 0 : layers_.size());
  ChoiceVariants variants(partial_, LayerChoice(layers_.size(), !is_alone), batch.inputs);
  for (const size_t layer : variants.order()) {
    if (recorder.has(index, first + layer)) continue;
    check_interrupted();
    recorder.put(index, first + layer, effect(batch, expected, variants.run(layer)));
  }
}

void SensitivityAnalysis::run_batch(int64_t index, Recorder& recorder) const {
  std::vector<size_t> missing;
  for (size_t network = 0; network < networks(); ++network) {
    if (!recorder.has(index, network)) missing.push_back(network);
  }
  if (missing.empty()) return;
  check_interrupted();
  const Batch now = batch(index);
  const std::vector<at::Tensor> expected = float_.run(now.inputs, {}, batching_.size == 1);
  const size_t begin_all_but = kFirstLayer + layers_.size();
  if (missing.front() == kFloat) recorder.put(index, kFloat, effect(now, expected, expected));
  if (!recorder.has(index, kQuantized)) {
    const LayerChoice all(layers_.size(), true);
    recorder.put(index, kQuantized, effect(now, expected, partial_.run(all, now.inputs)));
  }
  const auto is_alone = [&](size_t network) { return network >= kFirstLayer && network < begin_all_but; };
  if (std::any_of(missing.begin(), missing.end(), is_alone)) run_direction(index, now, expected, true, recorder);
  if (missing.back() >= begin_all_but) run_direction(index, now, expected, false, recorder);
}

Sensitivity SensitivityAnalysis::run(SensitivityRecord record) const {
  GRAFTWORK_ASSERT(record.done.size() == chosen_.size() * networks());
  Recorder recorder(record, networks(), outputs_.size(), options_);
  const auto batches = static_cast<int64_t>(chosen_.size());
  SampleWorkers(options_.threads, batches).run([&](int64_t index, int64_t) {
    const at::NoGradGuard no_grad;
    run_batch(index, recorder);
  });
  Sensitivity result;
  result.samples = samples_;
  result.outputs = outputs_;
  if (labels_) {
    result.classes = labels_->classes;
    result.classifier = outputs_[labels_->output];
  }
  for (const QuantizedLayer& layer : layers_) result.layers.push_back({layer, {}, {}});
  for (int64_t index = 0; index < batches; ++index) {  // in this order, so that sums do not depend on the threads
    result.correct_in_float += recorder.get(index, kFloat).correct;
    result.quantized.merge(recorder.get(index, kQuantized));
    for (size_t layer = 0; layer < layers_.size(); ++layer) {
      result.layers[layer].alone.merge(recorder.get(index, kFirstLayer + layer));
      result.layers[layer].all_but.merge(recorder.get(index, kFirstLayer + layers_.size() + layer));
    }
  }
  return result;
}

Effect SensitivityAnalysis::measure(
    const std::function<std::vector<at::Tensor>(std::span<const at::Tensor>)>& run) const {
  std::vector<Effect> parts(chosen_.size());
  SampleWorkers(options_.threads, std::ssize(chosen_)).run([&](int64_t index, int64_t) {
    const at::NoGradGuard no_grad;
    check_interrupted();
    const Batch now = batch(index);
    parts[static_cast<size_t>(index)] = effect(now, float_.run(now.inputs, {}, batching_.size == 1), run(now.inputs));
  });
  Effect sum;
  for (const Effect& part : parts) sum.merge(part);
  return sum;
}

Effect SensitivityAnalysis::measure(const LayerChoice& choice) const {
  return measure([&](std::span<const at::Tensor> inputs) { return partial_.run(choice, inputs); });
}

Effect SensitivityAnalysis::measure(const Network& quantized) const {
  const InferenceRunner runner(quantized);
  return measure([&](std::span<const at::Tensor> inputs) { return runner.run(inputs, {}, batching_.size == 1); });
}

std::string SensitivityAnalysis::samples_hash() const {
  ContentHash hash;
  hash.add(at::tensor(chosen_));
  hash.add(at::tensor(options_.labels, at::kLong));
  for (int64_t index = 0; index < std::ssize(chosen_); ++index) {
    const Batch now = batch(index);
    for (const at::Tensor& input : now.inputs) hash.add(input);
  }
  return hash.digits();
}

}  // namespace graftwork::core
