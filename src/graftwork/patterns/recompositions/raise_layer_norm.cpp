// %y = aten.layer_norm.default(%x, %weight, %bias) {normalized_shape=[64]}   =>   %y = nn.LayerNorm @path(%x) {...}
//
// Also as core ATen spells it: the first of the three results of aten.native_layer_norm.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaiseLayerNormPattern final : Pattern {
  Pat x = any();
  Pat plain = op("aten.layer_norm.default")(x).and_more_inputs();
  Pat native = op("aten.native_layer_norm.default")(x).and_more_inputs();
  Pat norm = either(plain, op("get_item")(native).attr("index", Attribute(0)));

  std::string_view name() const override { return "RaiseLayerNormPattern"; }
  std::vector<Pat> roots() const override { return {norm}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match.has(native) ? match[native] : match[plain];
    const Attribute* shape = node.attrs().find("normalized_shape");
    if (!shape || !shape->get<std::vector<int64_t>>()) return declined("its shape is computed in the graph");
    ModuleRecord record = module_at(node, "nn.LayerNorm");
    record.attrs.set("normalized_shape", *shape);
    if (Outcome copied = copy_attr(record, "eps", node); !copied) return copied;
    if (Outcome bound = bind_params(node, {"weight", "bias"}, record); !bound) return bound;
    return raise_to(graft, match[norm], std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_layer_norm_pattern() { return std::make_shared<RaiseLayerNormPattern>(); }

}  // namespace graftwork::core
