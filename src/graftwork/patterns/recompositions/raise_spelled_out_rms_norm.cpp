// %s = aten.pow.Tensor_Scalar(%x) {exponent=2}
// %m = aten.mean.dim(%s) {dim=[-1], keepdim=true}
// %r = aten.rsqrt.default(%m + eps)
// %n = aten.mul.Tensor(%x, %r)
// %y = aten.mul.Tensor(%weight, %n)                      =>   %y = nn.RMSNorm @path(%x) {weight=weight}
//
// As the language models of transformers spell it; what is 1 + weight is a weight too. Without a weight, or with one
// that is computed at run time, the product behind stays.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutRMSNormPattern final : Pattern {
  Pat x = any();
  Pat square = either(op("aten.pow.Tensor_Scalar")(x).where(
                          [](const GraphModule&, const Node& node) { return number_of(node, "exponent", 0) == 2; }, ""),
                      product(x, x));
  Pat mean = op("aten.mean.dim")(square).where([](const GraphModule&, const Node& node) { return is_over_last(node); },
                                               "it is no mean over the last dimension");
  Pat sum = op("aten.add.Tensor")(mean).where(
      [](const GraphModule&, const Node& node) { return number_of(node, "alpha", 1) == 1; }, "");
  Pat root = op("aten.rsqrt.default")(sum);
  Pat norm = product(x, root);
  Pat weight = constant();
  Pat cast = op({"aten.to.dtype", "aten._to_copy.default"})(norm).where(
      [](const GraphModule&, const Node& node) { return node.type() == node.input(0).type(); }, "");
  Pat weighted = product(either(cast, norm), weight);
  Pat result = either(weighted, norm);

  std::string_view name() const override { return "RaiseSpelledOutRMSNormPattern"; }
  std::vector<Pat> roots() const override { return {result}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[result];
    const TensorType* type = match[x].tensor();
    const auto width = type && type->rank() > 0 ? type->dims.back().maybe_value() : std::nullopt;
    if (!width) return declined("its width is known at run time only");
    ModuleRecord record = module_at(node, "nn.RMSNorm");
    record.attrs.set("normalized_shape", Attribute(std::vector<int64_t>{*width}));
    record.attrs.set("eps", Attribute(number_of(match[sum], "other", 0)));
    if (match.has(weight)) {
      const ParamExpr& scale = match[weight].constant();
      if (scale.type().dims != std::vector<Dim>{Dim(*width)}) return declined("its weight is " + scale.type().text());
      record.set_param("weight", scale);
    }
    return raise_to(graft, node, std::move(record), {&match[x]});
  }

 private:
  static bool is_over_last(const Node& node) {
    const TensorType* input = node.input(0).tensor();
    const auto dims = integers_of(node, "dim", 1, 0);
    if (!input || !dims || dims->size() != 1 || !flag_of(node, "keepdim", false)) return false;
    return (*dims)[0] == -1 || (*dims)[0] + 1 == static_cast<int64_t>(input->rank());
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_rms_norm_pattern() {
  return std::make_shared<RaiseSpelledOutRMSNormPattern>();
}

}  // namespace graftwork::core
