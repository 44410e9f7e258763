// Modules with a body: its nodes in order, with each batch norm folded into the layer in front of it.
#include "graftwork/ir/body.h"

#include <optional>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/module_lowering.h"
#include "graftwork/export/modules/attention.h"
#include "graftwork/export/modules/narrow_conv.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/nn/exported_scale.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/fold_batch_norm.h"

namespace graftwork::core {
namespace {

/// The fake-quantize, where it is calibrated.
const ModuleRecord* calibrated(const Lowering& lowering, ModuleId id) {
  if (!id) return nullptr;
  const ModuleRecord& fake_quant = lowering.modules()[id];
  return scale_of(fake_quant, lowering.network().tensors).defined() ? &fake_quant : nullptr;
}

/// Codes are those of the live weight; folding maps them: q' = sign(factor) · q, s' = s · |factor|. Exact where
/// the range of weights is symmetric; a trained network may use −128, whose opposite becomes 127.
WeightCodes quantized_weight(const Lowering& lowering, const ModuleRecord& layer, const ModuleRecord& fake_quant,
                             const FoldedLayer& folded) {
  const TensorStore& tensors = lowering.network().tensors;
  const CodeType type = weight_code_type(fake_quant, tensors);
  const at::Tensor scales = scale_of(fake_quant, tensors);
  const int64_t axis = *attribute_of(fake_quant, "axis")->get<int64_t>();
  const at::Tensor weight = evaluate(*layer.param("weight"), tensors).detach();
  at::Tensor codes = quantize_codes(weight, scales, axis, range_of(fake_quant));
  at::Tensor stored = scales.to(at::kDouble);
  if (folded.factor.defined()) {
    std::vector<int64_t> shape(static_cast<size_t>(weight.dim()), 1);
    shape[static_cast<size_t>(axis)] = folded.factor.numel();
    codes.mul_(folded.factor.sign().view(shape).to(codes.scalar_type())).clamp_max_(range_of(fake_quant).max);
    const at::Tensor magnitude = is_of_blocks(scales) ? folded.factor.abs().unsqueeze(1) : folded.factor.abs();
    stored = at::where(magnitude > 0, stored * magnitude, stored);
  }
  const FileRules& rules = lowering.options().backend->file;
  stored = exported_scales(stored.to(at::kFloat), lowering.options().float_type,
                           small_scale_of(layer, rules.products_take_scales_of_one_type));
  const int64_t block_size = *attribute_of(fake_quant, "block_size")->get<int64_t>();
  return {codes, stored, block_size > 0 ? weight.dim() - 1 : axis, type, block_size};
}

/// What the layer reads is known where Q/DQ stand right in front of it.
void check_operands(const ModuleRecord& layer, const WeightCodes& weight, std::optional<CodeType> activation) {
  if (!activation) return;
  if (weight.block_size > 0)
    throw Error("export.precision", cat(layer.path.str(), " has a weight in blocks and reads codes (rule Q1)"),
                "leaving its input in floating point");
  if (weight.type != *activation)
    throw Error("export.precision", cat(layer.path.str(), " multiplies codes of two types (rule W1)"),
                "one precision for its weight and its input");
}

/// A 1×1 convolution of a single pixel whose result is flattened and nothing else: a classifier. `node` calls the
/// module whose result it is.
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
  if (!lowering.options().backend->file.products_take_scales_of_one_type) return true;
  if (lowering.options().float_type != DType::kF16) return true;
  const Node& input = node.input(0);
  if (!is_quant_stub(input)) return false;
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

/// Lowers the body of one call.
class BodyLowering {
 public:
  BodyLowering(Lowering& lowering, const Node& call)
      : lowering_(lowering),
        modules_(lowering.modules()),
        call_(call),
        record_(modules_[call.module()]),
        body_(*record_.body),
        typed_(modules_, call) {}

  void run() {
    lowering_.look_into(typed_.graph(), call_);
    for (size_t slot = 0; slot < body_.inputs.size(); ++slot)
      lowering_.bind(typed_.at(*body_.inputs[slot]), lowering_.operand(call_, slot));
    name_results();
    for (const Node& node : typed_.graph().nodes()) {
      if (node.kind() == NodeKind::kInput || node.kind() == NodeKind::kOutput) continue;
      lowering_.enter_inside(node);
      lower(node, typed_.origin(node));
      keep_and_quantize(node, typed_.origin(node));
    }
    bind_results();
    lowering_.forget(typed_.graph());
  }

 private:
  /// The node that writes a value: for a batch norm that folds its layer.
  Node& writer_of(const Node& body_value) const {
    if (keeps_batch_norm()) return typed_.at(body_value);
    for (const BodyLayer& layer : body_.layers) {
      if (layer.batch_norm == &body_value) return typed_.at(*layer.call);
    }
    return typed_.at(body_value);
  }

  bool keeps_batch_norm() const { return lowering_.options().keep_batch_norm; }

  void name_results() {
    const Node& results = *body_.module.graph().output();
    if (results.input_count() == 1) {
      lowering_.give_name(writer_of(results.input(0)), lowering_.result_name(call_));
      return;
    }
    for (const Use* use = call_.uses(); use; use = use->next()) {
      const Node& item = *use->user();
      if (item.kind() != NodeKind::kGetItem) throw Error("export.types", "its results are used as one tuple");
      const Node& value = results.input(static_cast<size_t>(item.item_index()));
      if (lowering_.given_name(writer_of(value)).empty())
        lowering_.give_name(writer_of(value), lowering_.result_name(item));
    }
  }

  void lower(const Node& node, const Node& body_node) {
    if (lowering_.is_bound(node)) return;
    if (node.kind() != NodeKind::kCallModule || modules_[node.module()].body) return lower_node(lowering_, node);
    for (const BodyLayer& layer : body_.layers) {
      if (layer.batch_norm == &body_node && !keeps_batch_norm())
        return lowering_.bind(node, lowering_.value(typed_.at(*layer.call)));
      if (layer.call == &body_node) return lowering_.bind(node, lower_layer(node, layer));
    }
    lowering_.bind(node, lower_module(lowering_, node, lowering_.given_name(node)));
  }

  /// Results are the values themselves, whatever later readers in the body read.
  void keep_and_quantize(const Node& node, const Node& body_node) {
    if (!lowering_.is_bound(node)) return;
    const std::string value = lowering_.value(node);
    raw_.emplace(&body_node, value);
    const ModuleRecord* stub = calibrated(lowering_, record_.child(value_quantizer_role(body_node.name())));
    if (!stub) return;
    const float scale = scale_of(*stub, lowering_.network().tensors).item<float>();
    const CodeType type = activation_code_type(*stub, lowering_.network().tensors);
    lowering_.bind(node, lowering_.quantize_inner_value(value, stub->path.str(), scale, type));
  }

  void bind_results() {
    const Node& results = *body_.module.graph().output();
    const auto value = [&](size_t index) {
      const Node& result = results.input(index);
      const auto computed = raw_.find(&result);
      return computed == raw_.end() ? lowering_.value(typed_.at(result)) : computed->second;
    };
    if (results.input_count() == 1) return lowering_.bind(call_, value(0));
    for (const Use* use = call_.uses(); use; use = use->next())
      lowering_.bind(*use->user(), value(static_cast<size_t>(use->user()->item_index())));
  }

  std::string lower_layer(const Node& node, const BodyLayer& layer) {
    const ModuleRecord& owner = modules_[node.module()];
    const ModuleRecord* batch_norm =
        layer.batch_norm && !keeps_batch_norm() ? &modules_[record_.child(layer.batch_norm->role())] : nullptr;
    const ModuleCall call{
        owner, {lowering_.operand(node, 0)}, node.input(0).type(), node.type(), lowering_.given_name(node)};
    const FoldedLayer folded = fold_batch_norm(owner, batch_norm, lowering_.network().tensors);
    const std::string name = owner.path.str() + ".weight";
    const auto bias = [&] {
      return folded.bias.defined() ? lowering_.float_constant(owner.path.str() + ".bias", folded.bias) : std::string();
    };
    const bool transpose = owner.kind == Symbol("nn.Linear") && !is_gemm(call.input_type);
    const ModuleRecord* fake_quant = calibrated(lowering_, weight_quantizer(record_, layer));
    if (!fake_quant) {
      const at::Tensor plain =
          fold_into_weight(owner, evaluate(*owner.param("weight"), lowering_.network().tensors), folded.factor);
      const std::string weight = lowering_.float_constant(name, stored_weight(lowering_, call, plain));
      return lower_on_weight(lowering_, call, weight, bias());
    }
    WeightCodes weight = quantized_weight(lowering_, owner, *fake_quant, folded);
    check_operands(owner, weight, lowering_.codes_behind(call.inputs[0]));
    if (transpose) {
      weight.axis = 1 - weight.axis;
      if (is_of_blocks(weight.scales)) weight.scales = weight.scales.t().contiguous();
    }
    if (is_only_result(layer) && is_product(call, weight.scales)) {
      const ModuleCall product = as_product(lowering_, call);
      weight.codes = weight.codes.flatten(1);
      const std::string codes = lowering_.quantized_weight(name, weight);
      const std::string value = lower_linear(lowering_, product, codes, bias());
      lowering_.declare(value, product.output_type);
      return value;
    }
    if (const std::optional<NarrowConvolution> narrow = as_narrow(lowering_, call)) {
      weight.codes = narrow->weight(weight.codes);
      const std::string codes = lowering_.quantized_weight(name, weight);
      return narrow->lower(lowering_, codes, bias());
    }
    weight.codes = stored_weight(lowering_, call, weight.codes).contiguous();
    const std::string codes = lowering_.quantized_weight(name, weight);
    return lower_on_weight(lowering_, call, codes, bias());
  }

  bool is_only_result(const BodyLayer& layer) const {
    const Node& results = *body_.module.graph().output();
    return results.input_count() == 1 && &writer_of(results.input(0)) == &typed_.at(*layer.call);
  }

  bool is_product(const ModuleCall& call, const at::Tensor& scales) const {
    return lowering_.options().backend->file.pixel_convolutions_as_products && is_classifier(lowering_, call_, call) &&
           scales_fit_product(lowering_, call_, scales);
  }

  Lowering& lowering_;
  const ModuleTable& modules_;
  const Node& call_;
  const ModuleRecord& record_;
  const ResolvedBody& body_;
  BodyInstance typed_;
  std::unordered_map<const Node*, std::string> raw_;  // by node of the body
};

}  // namespace

void lower_body(Lowering& lowering, const Node& call) {
  if (!lower_attention(lowering, call)) BodyLowering(lowering, call).run();
}

}  // namespace graftwork::core
