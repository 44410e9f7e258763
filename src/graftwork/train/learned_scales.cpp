#include "graftwork/train/learned_scales.h"

#include <map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/scales.h"
#include "graftwork/quant/stub_readers.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {
namespace {

constexpr std::string_view kLogScale = ".log_scale";

/// What stubs share a scale by: their group, else themselves.
Symbol group_of(const PlannedStub& stub) { return stub.scale_group.empty() ? stub.stub : stub.scale_group; }

/// A layer of the plan whose weight is quantized.
struct QuantizedLayer {
  const ModuleRecord& fused;
  const BodyLayer& layer;
  ModuleId fake_quant;

  const ModuleRecord& owner(const ModuleTable& modules) const { return modules[fused.child(layer.role)]; }
};

std::vector<QuantizedLayer> quantized_layers(const ModuleTable& modules, const StubPlan& plan) {
  std::vector<QuantizedLayer> found;
  for (const PlannedWeight& weight : plan.weights) {
    if (!weight.quantized) continue;
    const ModuleRecord& fused = modules[modules.find(weight.module)];
    const BodyLayer& layer = *layer_at(modules, fused, weight.layer);
    found.push_back({fused, layer, weight_quantizer(fused, layer)});
  }
  return found;
}

/// Scales of affine quantization are what was calibrated: their zero points fit them alone.
bool is_affine(const ModuleRecord& quantizer) { return quantizer.param("zero_point"); }

/// Adds θ for `quantizer` and says what its scale is from then on.
ParamExpr learned_scale(TensorStore& tensors, const ModuleRecord& quantizer) {
  const ParamExpr& calibrated = *quantizer.param("scale");
  const Symbol leaf = cat(quantizer.path.str(), kLogScale);
  tensors.set(leaf, at::zeros_like(evaluate(calibrated, tensors)));
  const ParamExpr theta = tensors.leaf(leaf);
  return calibrated.multiply(ParamExpr::computed("aten.exp.default", {theta}, {}, 0, theta.type()));
}

}  // namespace

void learn_scales(Network& network, const StubPlan& plan, LearnedScales which) {
  const ModuleTable& modules = network.module.modules();
  Graft graft(network.module);
  std::map<Symbol, ParamExpr> shared;
  for (const PlannedStub& stub : plan.stubs) {
    const ModuleId id = modules.find(stub.stub);
    if (!which.activations || is_on_softmax(modules, stub) || is_affine(modules[id])) continue;
    auto known = shared.find(group_of(stub));
    if (known == shared.end())
      known = shared.emplace(group_of(stub), learned_scale(network.tensors, modules[id])).first;
    graft.edit(id).set_param("scale", known->second);
  }
  if (which.weights) {
    for (const QuantizedLayer& layer : quantized_layers(modules, plan)) {
      if (is_affine(modules[layer.fake_quant])) continue;
      graft.edit(layer.fake_quant).set_param("scale", learned_scale(network.tensors, modules[layer.fake_quant]));
    }
  }
  graft.apply();
}

bool is_log_scale(std::string_view leaf) { return leaf.ends_with(kLogScale); }

void freeze_scales(Network& network, const StubPlan& plan, const ScaleForm& form) {
  const at::NoGradGuard no_grad;
  const ModuleTable& modules = network.module.modules();
  TensorStore& tensors = network.tensors;
  Graft graft(network.module);
  const auto set = [&](ModuleId quantizer, at::Tensor scale) {
    if (is_affine(modules[quantizer])) return;
    const Symbol leaf = modules[quantizer].path.str() + ".trained_scale";
    tensors.set(leaf, std::move(scale));
    graft.edit(quantizer).set_param("scale", tensors.leaf(leaf));
  };
  std::map<Symbol, SmallScale> small;
  for (const PlannedStub& stub : plan.stubs) {
    SmallScale& of_group = small.try_emplace(group_of(stub), SmallScale::kWide).first->second;
    if (small_scale_of(modules, stub, form.one_type) == SmallScale::kHalf) of_group = SmallScale::kHalf;
  }
  for (const PlannedStub& stub : plan.stubs) {
    const ModuleId id = modules.find(stub.stub);
    set(id, exported_scales(scale_of(modules[id], tensors), form.float_type, small.at(group_of(stub))));
  }
  for (const QuantizedLayer& layer : quantized_layers(modules, plan)) {
    const BodyLayer& part = layer.layer;
    const at::Tensor factor =
        part.batch_norm && !form.keeps_batch_norm
            ? batch_norm_affine(modules[layer.fused.child(part.batch_norm->role())], tensors).factor
            : at::Tensor();
    set(layer.fake_quant, exported_weight_scales(scale_of(modules[layer.fake_quant], tensors), factor, form.float_type,
                                                 small_scale_of(layer.owner(modules), form.one_type)));
  }
  graft.apply();
}

}  // namespace graftwork::core
