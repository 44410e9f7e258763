// Fake-quantize modules: QuantStub on activations, WeightFakeQuantize on weights.
//
// q = clamp(round_half_even(x / scale), quant_min, quant_max); x̂ = q · scale. Symmetric: no zero point. `precision`
// says which codes there are (nn/fake_quant.h); with a `block_size` each row of a weight has a scale for so many
// elements.
//
// `given_scale` comes with networks that were trained with fake-quantize operators; 0 stands for no such scale. A
// `zero_point` comes with those, and of affine recipes; one that is not 0 runs, and is refused by export (rule V1).
//
// ChannelScale multiplies each channel in front of a stub by a number, so that all channels suit one scale.
#include "graftwork/ir/kinds/quant.h"

#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {
namespace {

Type channel_scale_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  const auto axis = static_cast<size_t>(query.integer("axis"));
  const Dim channels(query.integer("channels"));
  if (axis >= input.rank() || input.dims[axis] != channels)
    refuse_shape(cat("factors for ", channels.text(), " channels along axis ", axis, " of ", input.text()));
  return query.inputs[0];
}

Kind channel_scale() {
  Kind kind;
  kind.name = "ChannelScale";
  kind.attrs = {{"channels", AttrForm::integer(1)}, {"axis", AttrForm::integer(0)}};
  kind.params = {{"weight"}};
  kind.shape = channel_scale_shape;
  kind.param_type = [](const ModuleRecord& record, Symbol) {
    return std::optional(TensorType{DType::kF32, {Dim(*attribute_of(record, "channels")->get<int64_t>())}});
  };
  return kind;
}

}  // namespace

bool is_quant_stub(const Node& node) {
  return node.kind() == NodeKind::kCallModule && node.op() == Symbol("QuantStub");
}

bool is_quantizer(Symbol kind) { return kind == Symbol("QuantStub") || kind == Symbol("WeightFakeQuantize"); }

std::vector<Kind> quant_kinds() {
  Kind stub;
  stub.name = "QuantStub";
  stub.family = Family::kQuant;
  stub.attrs = {{"precision", AttrForm::text(), Attribute("int8")},
                {"given_scale", AttrForm::number(), Attribute(0.0)}};
  stub.params = {{"scale", true, true}, {"zero_point", true, true}};
  stub.shape = same_as_input;
  stub.param_type = [](const ModuleRecord&, Symbol) { return std::optional(TensorType{DType::kF32, {}}); };

  Kind weight;
  weight.name = "WeightFakeQuantize";
  weight.family = Family::kQuant;
  weight.attrs = {{"precision", AttrForm::text(), Attribute("int8")},
                  {"axis", AttrForm::integer(0), Attribute(0)},
                  {"quant_min", AttrForm::integer(-128), Attribute(-127)},
                  {"block_size", AttrForm::integer(0), Attribute(0)},
                  {"given_scale", AttrForm::number(), Attribute(0.0)}};
  weight.params = {{"scale", true, true}, {"zero_point", true, true}};
  weight.shape = same_as_input;
  return {stub, weight, channel_scale()};
}

}  // namespace graftwork::core
