// Fused modules: their steps in order, with the batch norm folded into the layer in front of it.
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/module_lowering.h"
#include "graftwork/nn/exported_scale.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/fold_batch_norm.h"

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

struct QuantizedWeight {
  at::Tensor codes;
  at::Tensor scales;
  int64_t axis;
};

/// Codes are those of the live weight; folding maps them: q' = sign(factor) · q, s' = s · |factor|. Exact where
/// the range of weights is symmetric; a trained network may use −128, whose opposite becomes 127.
QuantizedWeight quantized_weight(const Lowering& lowering, const ModuleRecord& layer, const ModuleRecord& fake_quant,
                                 const FoldedLayer& folded) {
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
  return {codes, stored, axis};
}

/// A 1×1 convolution of a single pixel whose result is flattened and nothing else: a classifier.
bool is_classifier(const Lowering& lowering, const Node& node, const ModuleCall& call) {
  const std::vector<int64_t> zeros{0, 0}, ones{1, 1};
  if (call.record.kind != Symbol("nn.Conv2d") || call.integer("groups") != 1) return false;
  if (call.integers("kernel_size") != ones || call.integers("padding") != zeros) return false;
  const TensorType* input = call.input_type.tensor();
  if (!input || input->rank() != 4 || input->dims[2] != Dim(1) || input->dims[3] != Dim(1)) return false;
  for (const Use* use = node.uses(); use; use = use->next()) {
    const Node& user = *use->user();
    if (user.op() != Symbol("nn.Flatten") || !joins_all_but_first(lowering.modules()[user.module()], input))
      return false;
  }
  return true;
}

/// Products take scales of one type.
bool scales_fit_product(const Lowering& lowering, const Node& node, const at::Tensor& weight_scales) {
  if (lowering.options().float_type != DType::kF16) return true;
  const Node& input = node.input(0);
  if (input.op() != Symbol("QuantStub")) return false;
  const at::Tensor scale = scale_of(lowering.modules()[input.module()], lowering.network().tensors);
  return fits_half(weight_scales) && (!scale.defined() || fits_half(scale));
}

/// The layer as a product: behind pooling, NVIDIA's compiler then quantizes in the kernel that pools, where for a
/// convolution it adds one that only converts. What reads the result flattens it, so that its shape is right already.
ModuleCall as_product(Lowering& lowering, const ModuleCall& call) {
  const auto flat = [](const Type& type) {
    return TensorType{type.tensor()->dtype, {type.tensor()->dims[0], type.tensor()->dims[1]}};
  };
  const std::string input = lowering.add("Flatten", call.path() + ".flatten", call.inputs, {{"axis", int64_t{1}}});
  return {call.record, {input}, flat(call.input_type), flat(call.output_type), call.output};
}

std::string lower_on_weight(Lowering& lowering, const ModuleCall& call, const std::string& weight,
                            const std::string& bias) {
  const bool is_linear = call.record.kind == Symbol("nn.Linear");
  return is_linear ? lower_linear(lowering, call, weight, bias) : lower_conv(lowering, call, weight, bias);
}

std::string lower_layer(Lowering& lowering, const Node& node, const ModuleRecord& fused, const ModuleCall& call,
                        bool is_last) {
  const ModuleTable& modules = lowering.modules();
  const ModuleRecord& layer = call.record;
  const ModuleId bn = fused.child("bn");
  const FoldedLayer folded = fold_batch_norm(layer, bn ? &modules[bn] : nullptr, lowering.network().tensors);
  const std::string name = layer.path.str() + ".weight";
  const auto bias = [&] {
    return folded.bias.defined() ? lowering.float_constant(layer.path.str() + ".bias", folded.bias) : std::string();
  };
  const bool transpose = layer.kind == Symbol("nn.Linear") && !is_gemm(call.input_type);
  const ModuleRecord* fake_quant = calibrated(lowering, fused);
  if (!fake_quant) {
    const at::Tensor plain =
        fold_into_weight(layer, evaluate(*layer.param("weight"), lowering.network().tensors), folded.factor);
    const std::string weight = lowering.float_constant(name, transpose ? plain.t() : plain);
    return lower_on_weight(lowering, call, weight, bias());
  }
  QuantizedWeight weight = quantized_weight(lowering, layer, *fake_quant, folded);
  if (transpose) weight = {weight.codes.t().contiguous(), weight.scales, 1 - weight.axis};
  if (is_last && is_classifier(lowering, node, call) && scales_fit_product(lowering, node, weight.scales)) {
    const ModuleCall product = as_product(lowering, call);
    const std::string codes = lowering.quantized_weight(name, weight.codes.flatten(1), weight.scales, weight.axis);
    return lower_linear(lowering, product, codes, bias());
  }
  const std::string codes = lowering.quantized_weight(name, weight.codes, weight.scales, weight.axis);
  return lower_on_weight(lowering, call, codes, bias());
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
      value = lower_layer(lowering, node, record, call, step == steps.back());
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
