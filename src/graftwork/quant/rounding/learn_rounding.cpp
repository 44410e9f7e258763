#include "graftwork/quant/rounding/learn_rounding.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/bias_correction.h"
#include "graftwork/quant/rounding/adaround.h"
#include "graftwork/quant/rounding/layer_groups.h"
#include "graftwork/quant/rounding/layer_rows.h"
#include "graftwork/quant/rounding/rounded_layers.h"
#include "graftwork/quant/sample_choice.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

class Training {
 public:
  Training(const Network& network, const SampleSource& samples, const WeightQuantConfig& config,
           const QuantizeOptions& options, QuantizationResult& result)
      : network_(network),
        samples_(samples),
        options_(options),
        quantized_(result.network),
        layers_(rounded_layers(network, result)),
        iterations_(config.rounding_iterations) {
    if (config.bias_correction) correction_.emplace(network, result.plan);
    std::erase_if(layers_, [&](const RoundedLayer& layer) { return range_of(record(layer.fake_quant)).is_e4m3; });
    for (const RoundedLayer& layer : layers_) forms_.emplace_back(record(layer.owner));
  }

  int64_t run() {
    if (layers_.empty()) return 0;
    micro_batches_ =
        chosen_micro_batches(samples_, batching_of(network_.module), kRowMicroBatches, options_.calibration);
    std::vector<int64_t> bytes;
    for (const RowForm& form : forms_)
      bytes.push_back(form.most_rows() * form.width() * static_cast<int64_t>(sizeof(float)));
    in_groups(bytes, kRowBytes, [&](size_t first, size_t count) { round_group(first, count); });
    store_rounded(quantized_, layers_);
    return std::ranges::count_if(layers_, [](const RoundedLayer& layer) { return layer.weight.defined(); });
  }

 private:
  struct Block {
    size_t layer;  // in the group
    int64_t index;
  };

  const ModuleRecord& record(ModuleId module) const { return quantized_.module.modules()[module]; }

  void round_group(size_t first, size_t count) {
    std::vector<LayerInputs> inputs;
    for (size_t i = first; i < first + count; ++i) inputs.push_back(layers_[i].inputs);
    const auto at = forms_.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<at::Tensor> rows = layer_rows(network_, inputs, {at, at + static_cast<std::ptrdiff_t>(count)}, samples_,
                                              micro_batches_, options_.calibration);
    std::vector<std::unique_ptr<AdaRound>> roundings(count);
    const int threads = options_.calibration.threads;
    SampleWorkers(threads, static_cast<int64_t>(count)).run([&](int64_t index, int64_t) {
      const auto i = static_cast<size_t>(index);
      if (rows[i].defined()) roundings[i] = rounding_of(layers_[first + i], std::exchange(rows[i], {}));
    });
    std::vector<Block> blocks;
    std::vector<int64_t> left(count, 0);
    for (size_t i = 0; i < count; ++i) {
      if (roundings[i]) left[i] = roundings[i]->blocks();
      for (int64_t index = 0; index < left[i]; ++index) blocks.push_back({i, index});
    }
    done_ += std::ranges::count(left, 0);
    SampleWorkers(threads, std::ssize(blocks)).run([&](int64_t index, int64_t) {
      const Block& block = blocks[static_cast<size_t>(index)];
      roundings[block.layer]->round_block(block.index);
      const std::scoped_lock lock(mutex_);
      if (--left[block.layer] > 0) return;
      layers_[first + block.layer].weight = roundings[block.layer]->result();
      roundings[block.layer].reset();
      ++done_;
      if (options_.rounding_progress) options_.rounding_progress(done_, std::ssize(layers_));
    });
  }

  std::unique_ptr<AdaRound> rounding_of(const RoundedLayer& layer, const at::Tensor& rows) const {
    const at::Tensor weight = evaluate(*record(layer.owner).param("weight"), quantized_.tensors);
    const ModuleRecord& fake_quant = record(layer.fake_quant);
    const AdaRoundOptions training{iterations_, correction_ && correction_->serves(layer.owner),
                                   options_.calibration.interrupted};
    return std::make_unique<AdaRound>(weight, scale_of(fake_quant, quantized_.tensors), range_of(fake_quant), rows,
                                      training);
  }

  const Network& network_;
  const SampleSource& samples_;
  const QuantizeOptions& options_;
  Network& quantized_;
  std::vector<RoundedLayer> layers_;
  std::vector<RowForm> forms_;
  int64_t iterations_;
  std::optional<BiasCorrection> correction_;
  std::vector<int64_t> micro_batches_;
  std::mutex mutex_;
  int64_t done_ = 0;
};

}  // namespace

int64_t round_by_training(const Network& network, const SampleSource& samples, const WeightQuantConfig& config,
                          const QuantizeOptions& options, QuantizationResult& result) {
  return Training(network, samples, config, options, result).run();
}

}  // namespace graftwork::core
