#include "graftwork/quant/weight_scales.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/scales.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {
namespace {

/// Those of the table, in the shape that they have in the network.
at::Tensor scales_of(const WeightScales& line, const at::Tensor& like) {
  if (static_cast<int64_t>(line.scales.size()) != like.numel()) {
    throw Error("scales.value",
                cat("the weight of ", line.layer.str(), " has ", counted(static_cast<size_t>(like.numel()), "scale"),
                    ", and the table gives ", line.scales.size()));
  }
  return at::tensor(line.scales, at::kFloat).view_as(like);
}

void set_weight_scale(Network& network, const PlannedWeight& weight, const WeightQuantConfig& config,
                      const ScaleForm& form, Graft& graft) {
  TensorStore& tensors = network.tensors;
  const ModuleTable& modules = network.module.modules();
  const ModuleRecord& fused = modules[modules.find(weight.module)];
  const BodyLayer& layer = *layer_at(modules, fused, weight.layer);
  const ModuleRecord& owner = modules[fused.child(layer.role)];
  const ModuleId fake_quant = weight_quantizer(fused, layer);
  const at::Tensor value = evaluate(*owner.param("weight"), tensors);
  const int64_t axis = *attribute_of(modules[fake_quant], "axis")->get<int64_t>();
  const at::Tensor factor = layer.batch_norm && !form.keeps_batch_norm
                                ? batch_norm_affine(modules[fused.child(layer.batch_norm->role())], tensors).factor
                                : at::Tensor();
  const at::Tensor given = scale_of(modules[fake_quant], tensors);
  const auto set = [&](const std::string& param, const std::string& leaf, const at::Tensor& numbers) {
    const Symbol name = cat(modules[fake_quant].path.str(), ".", leaf);
    tensors.set(name, numbers);
    graft.edit(fake_quant).set_param(param, tensors.leaf(name));
  };
  WeightQuantConfig own = config;
  own.calibration_method = method_for(config.calibration_method, weight.precision);
  const WeightGrid grid{range_of(modules[fake_quant]), axis, weight.block_size};
  if (!config.symmetric && !given.defined()) {
    const AffineScales affine = affine_weight_scales(value, grid, config, form.float_type);
    set("scale", "scale", affine.scale);
    set("zero_point", "zero_point", affine.zero_point);
    return;
  }
  const at::Tensor raw = given.defined() ? given.expand({value.size(axis)}) : weight_scales(value, grid, own);
  const auto exported = [&](const at::Tensor& scales) {
    return exported_weight_scales(scales, factor, form.float_type, small_scale_of(owner, form.one_type));
  };
  at::Tensor scales = exported(raw);
  if (const WeightScales* line = form.table ? form.table->weight(weight.module, weight.layer) : nullptr)
    scales = exported(unfolded_weight_scales(scales_of(*line, scales), factor));
  set("scale", given.defined() ? "exported_scale" : "scale", scales);
}

}  // namespace

void set_weight_scales(Network& network, const StubPlan& plan, const WeightQuantConfig& config, const ScaleForm& form) {
  Graft graft(network.module);
  for (const PlannedWeight& weight : plan.weights) {
    if (!weight.quantized) continue;
    try {
      set_weight_scale(network, weight, config, form, graft);
    } catch (Error& error) {
      throw error.at(weight.layer.str() + ".weight");
    }
  }
  graft.apply();
}

}  // namespace graftwork::core
