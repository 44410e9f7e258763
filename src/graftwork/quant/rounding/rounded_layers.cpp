#include "graftwork/quant/rounding/rounded_layers.h"

#include <algorithm>
#include <map>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {
namespace {

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

bool multiplies(const ModuleRecord& layer) {
  return layer.kind == Symbol("nn.Linear") || layer.kind == Symbol("nn.Conv1d") || layer.kind == Symbol("nn.Conv2d") ||
         layer.kind == Symbol("nn.Conv3d");
}

}  // namespace

std::vector<RoundedLayer> rounded_layers(const Network& network, const QuantizationResult& result) {
  const ModuleTable &modules = result.network.module.modules(), &float_modules = network.module.modules();
  const Calls calls = calls_of(network.module);
  std::map<ModuleId, int> kernels;
  std::vector<RoundedLayer> layers;
  for (const PlannedWeight& weight : result.plan.weights) {
    const ModuleRecord& fused = modules[modules.find(weight.module)];
    const BodyLayer& part = *layer_at(modules, fused, weight.layer);
    const ModuleId owner = fused.child(part.role);
    ++kernels[owner];
    if (!weight.quantized) continue;
    const ModuleId fake_quant = weight_quantizer(fused, part);
    const ModuleId given = float_modules.find(modules[fake_quant].path);
    const bool is_given = given && scale_of(float_modules[given], network.tensors).defined();
    if (!multiplies(modules[owner]) || is_given) continue;
    const ModuleRecord& float_fused = float_modules[float_modules.find(weight.module)];
    const BodyLayer& float_part = *layer_at(float_modules, float_fused, weight.layer);
    layers.push_back({weight.layer, owner, fake_quant, weight.block_size, part.batch_norm != nullptr,
                      inputs_of(float_part, float_fused, calls.at(weight.module))});
  }
  std::erase_if(layers, [&](const RoundedLayer& layer) { return kernels[layer.owner] > 1; });
  return layers;
}

void store_rounded(Network& quantized, std::span<const RoundedLayer> layers) {
  TensorStore& tensors = quantized.tensors;
  Graft graft(quantized.module);
  const auto put = [&](ModuleId module, Symbol param, const char* name, const at::Tensor& value) {
    if (!value.defined()) return;
    const Symbol leaf = cat(graft.module().modules()[module].path.str(), name);
    tensors.set(leaf, value);
    graft.edit(module).set_param(param, tensors.leaf(leaf));
  };
  for (const RoundedLayer& layer : layers) {
    put(layer.owner, "weight", ".rounded_weight", layer.weight);
    put(layer.fake_quant, "scale", ".scale", layer.scales);
  }
  graft.apply();
}

}  // namespace graftwork::core
