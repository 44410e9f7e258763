#include "graftwork/quant/bias_correction.h"

#include <algorithm>
#include <span>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork {
namespace {

/// From the back, where an axis of samples makes no difference: channels stand in front of the spatial axes.
int64_t channel_axis(const at::Tensor& weight) { return 1 - weight.dim(); }

/// The values that each called module has as its input 0.
std::map<ModuleId, std::vector<Symbol>> first_inputs(const GraphModule& module) {
  std::map<ModuleId, std::vector<Symbol>> inputs;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallModule) inputs[node.module()].push_back(node.input(0).name());
  }
  return inputs;
}

/// `error` · mean, with `error` = Ŵ − W, [out, in / groups, kernel …]: per output channel, double.
at::Tensor shift_of(const at::Tensor& error, const at::Tensor& mean) {
  const int64_t inputs = error.size(1);
  const at::Tensor taps = error.to(at::kDouble).reshape({error.size(0), inputs, -1}).sum(2);
  const int64_t groups = mean.size(0) / inputs;
  return at::bmm(taps.view({groups, -1, inputs}), mean.view({groups, inputs, 1})).flatten();
}

}  // namespace

BiasCorrection::BiasCorrection(const Network& network, const StubPlan& plan) {
  const ModuleTable& modules = network.module.modules();
  const std::map<ModuleId, std::vector<Symbol>> called = first_inputs(network.module);
  std::map<ModuleId, size_t> users;
  for (const auto& [id, inputs] : called) {
    ++users[id];
    for (const auto& [role, child] : modules[id].children) ++users[child];
  }
  for (const PlannedWeight& weight : plan.weights) {
    if (!weight.quantized) continue;
    const ModuleId id = modules.find(weight.module);
    const ModuleRecord& fused = modules[id];
    const Kind& kind = KindTable::builtin().at(fused.kind);
    GRAFTWORK_ASSERT(kind.steps.front().role == kind.weight_role);
    Layer layer{fused.child(kind.weight_role), fused.child("weight_fake_quant"), called.at(id)};
    if (scale_of(modules[layer.fake_quant], network.tensors).defined()) continue;
    const ModuleId batch_norm = fused.child("bn");
    const ModuleRecord& weighted = modules[layer.weighted];
    if (!batch_norm && !weighted.param("bias") && weighted.kind == Symbol("nn.Linear")) continue;
    const int64_t axis = channel_axis(evaluate(*weighted.param("weight"), network.tensors));
    const bool one_axis = std::all_of(layer.inputs.begin(), layer.inputs.end(), [&](Symbol input) {
      return axes_.try_emplace(input, axis).first->second == axis;
    });
    if (!one_axis) continue;  // a convolution and a linear layer read one tensor
    layers_[batch_norm ? batch_norm : layer.weighted].push_back(std::move(layer));
  }
  std::erase_if(layers_, [&](const auto& entry) { return entry.second.size() < users[entry.first]; });
}

int64_t BiasCorrection::apply(Network& quantized, const std::map<std::string, Range>& ranges) const {
  const at::NoGradGuard no_grad;
  const ModuleTable& modules = quantized.module.modules();
  TensorStore& tensors = quantized.tensors;
  Graft graft(quantized.module);
  for (const auto& [target, layers] : layers_) {
    std::vector<at::Tensor> shifts;
    for (const Layer& layer : layers) {
      const at::Tensor weight = evaluate(*modules[layer.weighted].param("weight"), tensors);
      const at::Tensor rounded = run_module(modules[layer.fake_quant], std::span(&weight, 1), {modules, tensors});
      const at::Tensor error = rounded - weight;
      for (const Symbol input : layer.inputs) shifts.push_back(shift_of(error, ranges.at(input.str()).mean.value()));
    }
    const at::Tensor shift = at::stack(shifts).mean(0);
    const bool is_layer = target == layers.front().weighted;
    const Symbol param = is_layer ? "bias" : "running_mean";
    const ModuleRecord& owner = modules[target];
    const ParamExpr* expr = owner.param(param);
    const at::Tensor like = evaluate(*modules[layers.front().weighted].param("weight"), tensors);
    const at::Tensor before = expr ? evaluate(*expr, tensors) : at::zeros_like(shift, like.options());
    const Symbol leaf = cat(owner.path.str(), ".corrected_", param.str());
    tensors.set(leaf, (before.to(at::kDouble) + (is_layer ? -shift : shift)).to(before.scalar_type()));
    graft.edit(target).set_param(param, tensors.leaf(leaf));
  }
  graft.apply();
  return static_cast<int64_t>(layers_.size());
}

}  // namespace graftwork
