#include "graftwork/quant/gptq/round_layers.h"

#include <algorithm>
#include <deque>
#include <map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/gptq/gptq.h"
#include "graftwork/quant/gptq/second_moments.h"
#include "graftwork/quant/sample_workers.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork {
namespace {

struct RoundedLayer {
  Symbol path;
  ModuleId owner;       ///< The linear layer.
  ModuleId fake_quant;  ///< Of its weight.
  int64_t block_size = 0;
  LayerInputs inputs;
  int64_t channels = 0;
  GptqResult result = {};
};

using Calls = std::map<Symbol, std::vector<const Node*>>;

Calls calls_of(const GraphModule& module) {
  Calls calls;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallModule) calls[module.record(node).path].push_back(&node);
  }
  return calls;
}

LayerInputs inputs_of(const BodyLayer& layer, const ModuleRecord& fused, const std::vector<const Node*>& calls) {
  const Node& value = layer.call->input(0);
  const std::vector<const Node*>& inputs = fused.body->inputs;
  const auto slot = std::find(inputs.begin(), inputs.end(), &value);
  LayerInputs found;
  for (const Node* call : calls) {
    if (slot == inputs.end()) {
      found.push_back({call, value.name()});
    } else {
      found.push_back({&call->input(static_cast<size_t>(slot - inputs.begin())), {}});
    }
  }
  return found;
}

/// `network` is the float one, whose modules have the paths of the quantized one's.
std::vector<RoundedLayer> layers_of(const Network& network, const QuantizationResult& result) {
  const ModuleTable &modules = result.network.module.modules(), &float_modules = network.module.modules();
  const Calls calls = calls_of(network.module);
  std::vector<RoundedLayer> layers;
  for (const PlannedWeight& weight : result.plan.weights) {
    if (!weight.quantized) continue;
    const ModuleRecord& fused = modules[modules.find(weight.module)];
    const BodyLayer& part = *layer_at(modules, fused, weight.layer);
    const ModuleId owner = fused.child(part.role), fake_quant = weight_quantizer(fused, part);
    const ModuleId given = float_modules.find(modules[fake_quant].path);
    const bool is_given = given && scale_of(float_modules[given], network.tensors).defined();
    if (modules[owner].kind != Symbol("nn.Linear") || part.batch_norm || is_given) continue;
    const ModuleRecord& float_fused = float_modules[float_modules.find(weight.module)];
    const BodyLayer& float_part = *layer_at(float_modules, float_fused, weight.layer);
    layers.push_back({weight.layer, owner, fake_quant, weight.block_size,
                      inputs_of(float_part, float_fused, calls.at(weight.module)),
                      *attribute_of(modules[owner], "in_features")->get<int64_t>()});
  }
  return layers;
}

/// How many of the layers from `first` on one run over the samples serves.
size_t group_size(const std::vector<RoundedLayer>& layers, size_t first) {
  int64_t bytes = 0;
  size_t count = 0;
  for (; first + count < layers.size(); ++count) {
    bytes += SecondMoments::bytes(layers[first + count].channels);
    if (count > 0 && bytes > kMomentBytes) break;
  }
  return count;
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
        layers_(layers_of(network, result)) {}

  int64_t run() {
    for (size_t first = 0; first < layers_.size();) {
      const size_t count = group_size(layers_, first);
      round_group({layers_.data() + first, count});
      first += count;
    }
    store();
    return static_cast<int64_t>(layers_.size());
  }

 private:
  void round_group(std::span<RoundedLayer> layers) {
    std::deque<SecondMoments> moments;
    std::vector<SecondMoments*> places;
    std::vector<LayerInputs> inputs;
    for (const RoundedLayer& layer : layers) {
      places.push_back(&moments.emplace_back(layer.channels));
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
    layer.result = gptq(weight, moments.value(), grid, config_, options_.float_type, small_scale_of(owner, one_type));
  }

  void store() {
    TensorStore& tensors = result_.network.tensors;
    Graft graft(result_.network.module);
    const auto put = [&](ModuleId module, Symbol param, const char* name, const at::Tensor& value) {
      const Symbol leaf = cat(graft.module().modules()[module].path.str(), name);
      tensors.set(leaf, value);
      graft.edit(module).set_param(param, tensors.leaf(leaf));
    };
    for (const RoundedLayer& layer : layers_) {
      put(layer.owner, "weight", ".rounded_weight", layer.result.weight);
      put(layer.fake_quant, "scale", ".scale", layer.result.scales);
    }
    graft.apply();
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

}  // namespace graftwork
