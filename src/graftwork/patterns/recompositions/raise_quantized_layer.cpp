// %q = aten.fake_quantize_per_channel_affine.default(%weight, %scale, %zero_point) {axis=0, ...}
// %y = aten.conv2d.default(%x, %q)   =>   %y = nn.Conv2d @path(%x) {...} [weight_fake_quant]
//
// A layer that was trained with a quantized weight brings the scales of its weight; linear layers and scales for the
// whole tensor too.
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/patterns/recompositions/conv_record.h"
#include "graftwork/patterns/recompositions/linear_record.h"
#include "graftwork/patterns/recompositions/patterns.h"

namespace graftwork::core {
namespace {

std::vector<Symbol> weighted_operators() {
  std::vector<Symbol> ops = convolution_operators();
  ops.emplace_back("aten.linear.default");
  return ops;
}

struct RaiseQuantizedLayerPattern final : Pattern {
  Pat x = any();
  Pat weight = constant();
  Pat per_channel = op("aten.fake_quantize_per_channel_affine.default")(weight, constant(), constant()).may_escape();
  Pat per_tensor = op("aten.fake_quantize_per_tensor_affine.default")(weight).may_escape();
  Pat quantizer = either(per_channel, per_tensor);
  Pat layer = op(std::span<const Symbol>(weighted_operators()))(x, quantizer).and_more_inputs();

  std::string_view name() const override { return "RaiseQuantizedLayerPattern"; }
  std::vector<Pat> roots() const override { return {layer}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[layer];
    const ParamExpr& expr = match[weight].constant();
    RaisedConv raised;
    if (node.op() == Symbol("aten.linear.default")) {
      const ParamExpr* bias = parameter_input(node, 2);
      if (expr.type().rank() != 2) return declined("its weight is " + expr.type().text());
      if (node.input_count() > 2 && !bias) return declined("its bias is computed in the graph");
      raised.record = linear_record(node, expr, bias);
    } else if (Outcome read = read_conv(node, expr, raised); !read) {
      return read;
    }
    ModuleRecord fake_quant;
    fake_quant.path = raised.record.path.str() + ".weight_fake_quant";
    if (Outcome read = fill_quantizer(match[quantizer], raised.record.kind, fake_quant); !read) return read;
    raised.record.children.emplace_back("weight_fake_quant", graft.share_record(std::move(fake_quant)));
    return replace_by_conv(graft, node, match[x], std::move(raised));
  }

 private:
  static Outcome fill_quantizer(const Node& quantizer, Symbol layer, ModuleRecord& record) {
    record.kind = "WeightFakeQuantize";
    const int64_t low = integer_of(quantizer, "quant_min", 0), high = integer_of(quantizer, "quant_max", 0);
    if ((low != -128 && low != -127) || high != 127)
      return declined(cat("the codes of its weight are ", low, " to ", high, ", not -128 or -127 to 127"));
    const int64_t axis = KindTable::torch()->at(layer).output_channel_axis;
    record.attrs = {{"axis", axis}, {"quant_min", low}};
    if (quantizer.input_count() == 1) {
      const double scale = number_of(quantizer, "scale", 0);
      if (integer_of(quantizer, "zero_point", -1) != 0) return declined("its weight has a zero point (rule V1)");
      if (!(scale > 0)) return declined("the scale of its weight is not positive (rule V2)");
      record.attrs.set("given_scale", scale);
      return applied();
    }
    if (integer_of(quantizer, "axis", -1) != axis)
      return declined(cat("its weight is quantized along dimension ", integer_of(quantizer, "axis", -1),
                          ", not along its output channels"));
    record.set_param("scale", quantizer.input(1).constant());
    record.set_param("zero_point", quantizer.input(2).constant());
    return applied();
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_quantized_layer_pattern() {
  return std::make_shared<RaiseQuantizedLayerPattern>();
}

}  // namespace graftwork::core
