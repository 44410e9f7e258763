#include "bindings/quantized.h"

#include <algorithm>
#include <functional>

#include "graftwork/ir/body.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/patterns/backend.h"
#include "graftwork/quant/stub_readers.h"
#include "graftwork/quant/weight_scales.h"
#include "graftwork/rewrite/graft.h"
#include "graftwork/train/learned_scales.h"

namespace graftwork::python {
namespace {

/// The part of the plan whose quantizers have paths that `wanted` names.
core::StubPlan part_of(const core::StubPlan& plan, const core::ModuleTable& modules,
                       const std::function<bool(const std::string&)>& wanted) {
  core::StubPlan part = plan;
  std::erase_if(part.stubs, [&](const core::PlannedStub& stub) { return !wanted(stub.stub.str()); });
  std::erase_if(part.weights, [&](const core::PlannedWeight& weight) {
    return !weight.quantized || !wanted(quantizer_of(modules, weight));
  });
  return part;
}

/// Whoever asks for scales of the weight finds none, and takes them from its values.
void forget_scales(core::GraphModule& module, const core::StubPlan& plan) {
  core::Graft graft(module);
  for (const core::PlannedWeight& weight : plan.weights) {
    core::ModuleRecord& record = graft.edit(module.modules().find(quantizer_of(module.modules(), weight)));
    std::erase_if(record.params, [](const auto& param) {
      return param.first == core::Symbol("scale") || param.first == core::Symbol("zero_point");
    });
  }
  graft.apply();
}

}  // namespace

std::string quantizer_of(const core::ModuleTable& modules, const core::PlannedWeight& weight) {
  const core::ModuleRecord& fused = modules[modules.find(weight.module)];
  return modules[core::weight_quantizer(fused, *core::layer_at(modules, fused, weight.layer))].path.str();
}

core::Network Quantized::with(const std::vector<at::Tensor>& tensors, const ScaleChanges& changes,
                              const FileForm& file) const {
  const at::NoGradGuard no_grad;
  core::Network made{network->module().clone(), network->with(tensors), network->network().wide};
  const core::ModuleTable& modules = made.module.modules();
  for (const auto& [path, scale] : changes.scales) {
    const core::ParamExpr* expr = modules[modules.find(core::Symbol(path))].param("scale");
    made.tensors.set(expr->leaf_name(), scale.to(at::kFloat));
  }
  const core::ScaleForm scale_form{
      file.float_type, file.keep_batch_norm, core::get_backend()->file.products_take_scales_of_one_type, nullptr, {}};
  const bool same_file = file.float_type == form.float_type && file.keep_batch_norm == form.keep_batch_norm;
  const core::StubPlan following =
      part_of(plan, modules, [&](const std::string& path) { return changes.following.contains(path); });
  const core::StubPlan changed = part_of(plan, modules, [&](const std::string& path) {
    return !changes.following.contains(path) && (!same_file || changes.scales.contains(path));
  });
  forget_scales(made.module, following);
  core::set_weight_scales(made, following, config.weight, scale_form);
  core::freeze_scales(made, changed, scale_form);
  return made;
}

std::map<std::string, std::string> Quantized::learnable_stubs() const {
  const core::ModuleTable& modules = network->module().modules();
  std::map<std::string, std::string> groups;
  for (const core::PlannedStub& stub : plan.stubs) {
    const bool is_affine = modules[modules.find(stub.stub)].param("zero_point") != nullptr;
    if (is_affine || core::is_on_softmax(modules, stub)) continue;
    groups.emplace(stub.stub.str(), stub.scale_group.empty() ? stub.stub.str() : stub.scale_group.str());
  }
  return groups;
}

std::map<std::string, at::Tensor> Quantized::weight_scales(const core::Network& of) const {
  std::map<std::string, at::Tensor> scales;
  const core::ModuleTable& modules = of.module.modules();
  for (const core::PlannedWeight& weight : plan.weights) {
    if (!weight.quantized) continue;
    const std::string path = quantizer_of(modules, weight);
    scales.emplace(path, core::scale_of(modules[modules.find(core::Symbol(path))], of.tensors));
  }
  return scales;
}

}  // namespace graftwork::python
