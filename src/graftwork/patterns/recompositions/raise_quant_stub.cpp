// %y = aten.fake_quantize_per_tensor_affine.default(%x) {scale=0.05, zero_point=0, quant_min=-128, quant_max=127}
//   =>   %y = QuantStub @path(%x) {given_scale=0.05}
//
// A network that was trained with quantization brings its stubs and their scales.
#include "graftwork/base/text.h"
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaiseQuantStubPattern final : Pattern {
  Pat x = any().where([](const GraphModule&, const Node& node) { return node.kind() != NodeKind::kConstant; }, "");
  Pat quantizer = op("aten.fake_quantize_per_tensor_affine.default")(x);

  std::string_view name() const override { return "RaiseQuantStubPattern"; }
  std::vector<Pat> roots() const override { return {quantizer}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[quantizer];
    if (integer_of(node, "zero_point", -1) != 0) return declined("its zero point is not 0 (rule V1)");
    const int64_t low = integer_of(node, "quant_min", 0), high = integer_of(node, "quant_max", 0);
    if (low != -128 || high != 127) return declined(cat("its codes are ", low, " to ", high, ", not -128 to 127"));
    const double scale = number_of(node, "scale", 0);
    if (!(scale > 0)) return declined("its scale is not positive (rule V2)");
    ModuleRecord record = module_at(node, "QuantStub");
    record.attrs.set("given_scale", scale);
    return raise_to(graft, node, std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_quant_stub_pattern() { return std::make_shared<RaiseQuantStubPattern>(); }

}  // namespace graftwork::core
