#include "graftwork/quant/bias_correction.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/exact_zeros.h"
#include "graftwork/quant/input_axis.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {
namespace {

using Calls = std::map<ModuleId, std::vector<const Node*>>;

Calls calls_of(const GraphModule& module) {
  Calls calls;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallModule) calls[node.module()].push_back(&node);
  }
  return calls;
}

/// Names of the values that the layer reads, one for each call of the module that it is a part of.
std::vector<Symbol> inputs_of(const BodyLayer& layer, const ModuleRecord& owner,
                              const std::vector<const Node*>& calls) {
  const Node& value = layer.call->input(0);
  const std::vector<const Node*>& inputs = owner.body->inputs;
  std::vector<Symbol> names;
  for (const Node* call : calls) {
    const auto slot = std::find(inputs.begin(), inputs.end(), &value);
    names.push_back(slot == inputs.end() ? inner_value_name(owner.path, value.name())
                                         : call->input(static_cast<size_t>(slot - inputs.begin())).name());
  }
  return names;
}

/// `error` · mean, with `error` = Ŵ − W, [out, in / groups, kernel …]: per output channel, double.
at::Tensor shift_of(const at::Tensor& error, const at::Tensor& mean) {
  const int64_t inputs = error.size(1);
  const at::Tensor taps = error.to(at::kDouble).reshape({error.size(0), inputs, -1}).sum(2);
  const int64_t groups = mean.size(0) / inputs;
  return at::bmm(taps.view({groups, -1, inputs}), mean.view({groups, inputs, 1})).flatten();
}

/// The shifts for several means from `exact` to `weight` with its rounding, in blocks of output channels: all copies of
/// a large linear layer's weight would lie in memory at once. A grouped layer is one block.
std::vector<at::Tensor> shifts_of(const at::Tensor& weight, const at::Tensor& exact, const ModuleRecord& fake_quant,
                                  const TensorStore& tensors, const std::vector<at::Tensor>& means) {
  constexpr int64_t kBlock = int64_t{1} << 22;  // elements
  const at::Tensor scale = scale_of(fake_quant, tensors);
  const ParamExpr* zeros = fake_quant.param("zero_point");
  const at::Tensor zero_point = zeros ? evaluate(*zeros, tensors) : at::Tensor();
  const int64_t axis = *attribute_of(fake_quant, "axis")->get<int64_t>();
  const int64_t rows = weight.size(0);
  const bool is_grouped = means.front().size(0) != weight.size(1);
  const int64_t step = is_grouped || axis != 0 ? rows : std::max<int64_t>(1, kBlock * rows / weight.numel());
  std::vector<std::vector<at::Tensor>> parts(means.size());
  for (int64_t begin = 0; begin < rows; begin += step) {
    const int64_t end = std::min(begin + step, rows);
    const at::Tensor block = weight.slice(0, begin, end);
    const auto part = [&](const at::Tensor& of_channels) {
      const bool is_whole = step == rows || !of_channels.defined() || of_channels.dim() == 0;
      return is_whole ? of_channels : of_channels.slice(0, begin, end);
    };
    const at::Tensor error =
        fake_quantize(block, part(scale), axis, range_of(fake_quant), part(zero_point)) - exact.slice(0, begin, end);
    for (size_t i = 0; i < means.size(); ++i) parts[i].push_back(shift_of(error, means[i]));
  }
  std::vector<at::Tensor> shifts;
  for (const std::vector<at::Tensor>& part : parts) shifts.push_back(at::cat(part));
  return shifts;
}

/// Of a weight [out, in / groups, kernel …].
int64_t input_channels(const ModuleRecord& layer, const at::Tensor& weight) {
  const Attribute* groups = attribute_of(layer, "groups");
  return weight.size(1) * (groups ? *groups->get<int64_t>() : 1);
}

at::Tensor mean_of(const ChannelMeans& known, Symbol tensor, int64_t channels) {
  const std::vector<double>& mean = known.at(tensor.str());
  if (mean.size() != static_cast<size_t>(channels))
    throw Error("scales.value", cat("%", tensor.str(), " has ", counted(static_cast<size_t>(channels), "channel"),
                                    ", and its mean is given for ", mean.size()));
  return at::tensor(mean, at::kDouble);
}

}  // namespace

BiasCorrection::BiasCorrection(const Network& network, const StubPlan& plan) {
  const ModuleTable& modules = network.module.modules();
  const Calls calls = calls_of(network.module);
  std::map<ModuleId, size_t> users;
  for (const auto& [id, nodes] : calls) {
    ++users[id];
    for (const auto& [role, child] : modules[id].children) ++users[child];
  }
  for (const PlannedWeight& weight : plan.weights) {
    if (!weight.quantized) continue;
    const ModuleId id = modules.find(weight.module);
    const ModuleRecord& fused = modules[id];
    const BodyLayer& part = *layer_at(modules, fused, weight.layer);
    const ModuleId owner = fused.child(part.role);
    Layer layer{owner, *modules[owner].param("weight"), weight_quantizer(fused, part),
                inputs_of(part, fused, calls.at(id))};
    if (scale_of(modules[layer.fake_quant], network.tensors).defined()) continue;
    const ModuleId batch_norm = part.batch_norm ? fused.child(part.batch_norm->role()) : ModuleId();
    const ModuleRecord& weighted = modules[layer.weighted];
    if (!batch_norm && !weighted.param("bias")) {
      const std::vector<const Node*>& own_calls = calls.at(id);
      const bool zeros_matter = std::any_of(own_calls.begin(), own_calls.end(), [&](const Node* call) {
        return zeros_matter_behind(network.module, *call);
      });
      if (zeros_matter || weighted.kind == Symbol("nn.Linear")) continue;
    }
    const int64_t axis = input_axis(weighted);
    const bool one_axis = std::all_of(layer.inputs.begin(), layer.inputs.end(), [&](Symbol input) {
      return axes_.try_emplace(input, axis).first->second == axis;
    });
    if (!one_axis) continue;  // a convolution and a linear layer read one tensor
    layers_[batch_norm ? batch_norm : layer.weighted].push_back(std::move(layer));
  }
  std::erase_if(layers_, [&](const auto& entry) { return entry.second.size() < users[entry.first]; });
}

bool BiasCorrection::serves(ModuleId layer) const {
  return std::any_of(layers_.begin(), layers_.end(), [&](const auto& entry) {
    return entry.second.size() == 1 && entry.second.front().weighted == layer;
  });
}

int64_t BiasCorrection::apply(Network& quantized, const ChannelMeans& known) const {
  const at::NoGradGuard no_grad;
  const ModuleTable& modules = quantized.module.modules();
  TensorStore& tensors = quantized.tensors;
  Graft graft(quantized.module);
  for (const auto& [target, layers] : layers_) {
    std::vector<at::Tensor> shifts;
    for (const Layer& layer : layers) {
      std::vector<at::Tensor> means;
      const at::Tensor weight = evaluate(*modules[layer.weighted].param("weight"), tensors);
      const at::Tensor exact = evaluate(layer.weight, tensors);
      for (const Symbol input : layer.inputs)
        means.push_back(mean_of(known, input, input_channels(modules[layer.weighted], weight)));
      for (at::Tensor& shift :
           shifts_of(weight.to(at::kFloat), exact.to(at::kFloat), modules[layer.fake_quant], tensors, means))
        shifts.push_back(std::move(shift));
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

}  // namespace graftwork::core
