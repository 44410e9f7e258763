// Fused modules: their steps in order, with the batch norm folded into the layer in front of it.
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/module_lowering.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/quant/scales.h"

namespace graftwork {
namespace {

/// The weight's fake-quantize, where it is calibrated.
const ModuleRecord* calibrated(const Lowering& lowering, const ModuleRecord& fused) {
  const ModuleId id = fused.child("weight_fake_quant");
  if (!id) return nullptr;
  const ModuleRecord& fake_quant = lowering.modules()[id];
  return scale_of(fake_quant, lowering.network().tensors).defined() ? &fake_quant : nullptr;
}

void check_symmetric(const ModuleRecord& fake_quant, const TensorStore& tensors) {
  const ParamExpr* zero_point = fake_quant.param("zero_point");
  if (zero_point && evaluate(*zero_point, tensors).count_nonzero().item<int64_t>() > 0) {
    throw Error("export.zero_point", cat(fake_quant.path.str(), " has a zero point that is not 0"),
                "symmetric quantization, the only one that TensorRT takes (rule V1)");
  }
}

/// Codes are those of the live weight; folding maps them: q' = sign(factor) · q, s' = s · |factor|. Exact,
/// where the range of weights is
/// symmetric; a trained network may use −128, whose opposite becomes 127.
std::string quantized_weight(Lowering& lowering, const std::string& name, const ModuleRecord& layer,
                             const ModuleRecord& fake_quant, const FoldedLayer& folded, bool transpose) {
  const TensorStore& tensors = lowering.network().tensors;
  check_symmetric(fake_quant, tensors);
  const at::Tensor scales = scale_of(fake_quant, tensors);
  const int64_t axis = *attribute_of(fake_quant, "axis")->get<int64_t>();
  const at::Tensor weight = evaluate(*layer.param("weight"), tensors).detach();
  at::Tensor codes = quantize_codes(weight, scales, axis, range_of(fake_quant));
  at::Tensor stored = scales.to(at::kDouble);
  if (folded.factor.defined()) {
    std::vector<int64_t> shape(static_cast<size_t>(weight.dim()), 1);
    shape[static_cast<size_t>(axis)] = folded.factor.numel();
    codes.mul_(folded.factor.sign().view(shape).to(codes.scalar_type())).clamp_max_(127);
    const at::Tensor magnitude = folded.factor.abs();
    stored = at::where(magnitude > 0, stored * magnitude, stored);
  }
  stored = exported_scales(stored.to(at::kFloat), lowering.options().float_type, small_scale_of(layer));
  if (!transpose) return lowering.quantized_weight(name, codes, stored, axis);
  return lowering.quantized_weight(name, codes.t().contiguous(), stored, 1 - axis);
}

std::string lower_layer(Lowering& lowering, const ModuleRecord& fused, const ModuleRecord& layer,
                        const ModuleCall& call) {
  const ModuleTable& modules = lowering.modules();
  const ModuleId bn = fused.child("bn");
  const FoldedLayer folded = fold_batch_norm(layer, bn ? &modules[bn] : nullptr, lowering.network().tensors);
  const bool is_linear = layer.kind == Symbol("nn.Linear");
  const bool transpose = is_linear && !is_gemm(call.input_type);
  const std::string name = layer.path.str() + ".weight";
  const ModuleRecord* fake_quant = calibrated(lowering, fused);
  std::string weight;
  if (fake_quant) {
    weight = quantized_weight(lowering, name, layer, *fake_quant, folded, transpose);
  } else {
    const at::Tensor plain =
        fold_into_weight(layer, evaluate(*layer.param("weight"), lowering.network().tensors), folded.factor);
    weight = lowering.float_constant(name, transpose ? plain.t() : plain);
  }
  const std::string bias =
      folded.bias.defined() ? lowering.float_constant(layer.path.str() + ".bias", folded.bias) : "";
  return is_linear ? lower_linear(lowering, call, weight, bias) : lower_conv(lowering, call, weight, bias);
}

}  // namespace

std::string lower_fused(Lowering& lowering, const Node& node, const std::string& output) {
  const ModuleTable& modules = lowering.modules();
  const ModuleRecord& record = modules[node.module()];
  const Kind& kind = KindTable::builtin().at(record.kind);
  std::vector<const FusedStep*> steps;
  for (const FusedStep& step : kind.steps) {
    const bool folded = step.role == Symbol("bn");
    if (!folded && (step.is_addition() || record.child(step.role))) steps.push_back(&step);
  }
  std::string value = lowering.operand(node, 0);
  Type type = node.input(0).type();
  for (const FusedStep* step : steps) {
    const std::string wanted = step == steps.back() ? output : "";
    if (step->is_addition()) {
      const std::string& other = lowering.operand(node, static_cast<size_t>(step->add_input));
      value = lowering.add(
          "Add", modules[record.child(kind.weight_role.empty() ? Symbol("act") : kind.weight_role)].path.str() + ".add",
          {value, other}, {}, wanted);
      continue;
    }
    const ModuleRecord& part = modules[record.child(step->role)];
    const Type next = infer_module(part, std::span(&type, 1), modules);
    const ModuleCall call{part, {value}, type, next, wanted};
    if (step->role == kind.weight_role) {
      value = lower_layer(lowering, record, part, call);
    } else {
      const ModuleLowering lower_part = find_module_lowering(part.kind);
      GRAFTWORK_ASSERT(lower_part != nullptr);
      value = lower_part(lowering, call);
    }
    type = next;
  }
  return value;
}

}  // namespace graftwork
