#include "graftwork/quant/weight_scales.h"

#include "graftwork/base/error.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/quant/scales.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork {
namespace {

void set_weight_scale(Network& network, const PlannedWeight& weight, const TensorQuantConfig& config, DType float_type,
                      const FileRules& rules, Graft& graft) {
  TensorStore& tensors = network.tensors;
  const ModuleTable& modules = network.module.modules();
  const ModuleRecord& fused = modules[modules.find(weight.module)];
  const BodyLayer& layer = *layer_at(modules, fused, weight.layer);
  const ModuleRecord& owner = modules[fused.child(layer.role)];
  const ModuleId fake_quant = weight_quantizer(fused, layer);
  const at::Tensor value = evaluate(*owner.param("weight"), tensors);
  const int64_t axis = *attribute_of(modules[fake_quant], "axis")->get<int64_t>();
  const at::Tensor factor = layer.batch_norm
                                ? batch_norm_affine(modules[fused.child(layer.batch_norm->role())], tensors).factor
                                : at::Tensor();
  const at::Tensor given = scale_of(modules[fake_quant], tensors);
  const Symbol leaf = modules[fake_quant].path.str() + (given.defined() ? ".exported_scale" : ".scale");
  const at::Tensor raw = given.defined() ? given.expand({value.size(axis)}) : weight_scales(value, axis, config);
  tensors.set(leaf, exported_weight_scales(raw, factor, float_type,
                                           small_scale_of(owner, rules.products_take_scales_of_one_type)));
  graft.edit(fake_quant).set_param("scale", tensors.leaf(leaf));
}

}  // namespace

void set_weight_scales(Network& network, const StubPlan& plan, const TensorQuantConfig& config, DType float_type,
                       const FileRules& rules) {
  Graft graft(network.module);
  for (const PlannedWeight& weight : plan.weights) {
    if (!weight.quantized) continue;
    try {
      set_weight_scale(network, weight, config, float_type, rules, graft);
    } catch (Error& error) {
      throw error.at(weight.layer.str() + ".weight");
    }
  }
  graft.apply();
}

}  // namespace graftwork
