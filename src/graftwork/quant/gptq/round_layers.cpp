#include "graftwork/quant/gptq/round_layers.h"

#include <deque>

#include "graftwork/base/error.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/gptq/gptq.h"
#include "graftwork/quant/gptq/second_moments.h"
#include "graftwork/quant/rounding/layer_groups.h"
#include "graftwork/quant/rounding/rounded_layers.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

/// Blocks and channels of linear layers; what is behind a batch norm is not one of them.
std::vector<RoundedLayer> linear_layers(const Network& network, const QuantizationResult& result) {
  std::vector<RoundedLayer> layers = rounded_layers(network, result);
  const ModuleTable& modules = result.network.module.modules();
  std::erase_if(layers, [&](const RoundedLayer& layer) {
    return layer.has_batch_norm || modules[layer.owner].kind != Symbol("nn.Linear");
  });
  return layers;
}

int64_t channels_of(const ModuleTable& modules, const RoundedLayer& layer) {
  return *attribute_of(modules[layer.owner], "in_features")->get<int64_t>();
}

class LayerRounding {
 public:
  LayerRounding(const Network& network, const SampleSource& samples, const WeightQuantConfig& config,
                const QuantizeOptions& options, QuantizationResult& result)
      : network_(network),
        samples_(samples),
        config_(config),
        options_(options),
        result_(result),
        layers_(linear_layers(network, result)) {}

  int64_t run() {
    std::vector<int64_t> bytes;
    for (const RoundedLayer& layer : layers_)
      bytes.push_back(SecondMoments::bytes(channels_of(result_.network.module.modules(), layer)));
    in_groups(bytes, kMomentBytes, [&](size_t first, size_t count) { round_group({layers_.data() + first, count}); });
    store_rounded(result_.network, layers_);
    return static_cast<int64_t>(layers_.size());
  }

 private:
  void round_group(std::span<RoundedLayer> layers) {
    std::deque<SecondMoments> moments;
    std::vector<SecondMoments*> places;
    std::vector<LayerInputs> inputs;
    for (const RoundedLayer& layer : layers) {
      places.push_back(&moments.emplace_back(channels_of(result_.network.module.modules(), layer)));
      inputs.push_back(layer.inputs);
    }
    collect_second_moments(network_, inputs, samples_, options_.calibration, places);
    const SampleWorkers workers(options_.calibration.threads, static_cast<int64_t>(layers.size()));
    workers.run([&](int64_t index, int64_t) {
      RoundedLayer& layer = layers[static_cast<size_t>(index)];
      try {
        round(layer, *places[static_cast<size_t>(index)]);
      } catch (Error& error) {
        throw error.at(layer.path.str() + ".weight");
      }
    });
  }

  void round(RoundedLayer& layer, const SecondMoments& moments) const {
    const ModuleTable& modules = result_.network.module.modules();
    const ModuleRecord& owner = modules[layer.owner];
    const at::Tensor weight = evaluate(*owner.param("weight"), result_.network.tensors);
    const WeightGrid grid{range_of(modules[layer.fake_quant]), 0, layer.block_size};
    const bool one_type = or_used(options_.backend)->file.products_take_scales_of_one_type;
    GptqResult chosen =
        gptq(weight, moments.value(), grid, config_, options_.float_type, small_scale_of(owner, one_type));
    layer.weight = std::move(chosen.weight);
    layer.scales = std::move(chosen.scales);
  }

  const Network& network_;
  const SampleSource& samples_;
  const WeightQuantConfig& config_;
  const QuantizeOptions& options_;
  QuantizationResult& result_;
  std::vector<RoundedLayer> layers_;
};

}  // namespace

int64_t round_by_second_moments(const Network& network, const SampleSource& samples, const WeightQuantConfig& config,
                                const QuantizeOptions& options, QuantizationResult& result) {
  return LayerRounding(network, samples, config, options, result).run();
}

}  // namespace graftwork::core
