// %y = aten.group_norm.default(%x, %weight, %bias) {num_groups=8}   =>   %y = nn.GroupNorm @path(%x) {...}
//
// Also as core ATen spells it: the first of the three results of aten.native_group_norm.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaiseGroupNormPattern final : Pattern {
  Pat x = any();
  Pat plain = op("aten.group_norm.default")(x).and_more_inputs();
  Pat native = op("aten.native_group_norm.default")(x).and_more_inputs();
  Pat norm = either(plain, op("get_item")(native).attr("index", Attribute(0)));

  std::string_view name() const override { return "RaiseGroupNormPattern"; }
  std::vector<Pat> roots() const override { return {norm}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match.has(native) ? match[native] : match[plain];
    const TensorType* in = match[x].tensor();
    const auto channels = in && in->rank() >= 2 ? in->dims[1].maybe_value() : std::nullopt;
    if (!channels) return declined("the number of its channels is not known");
    ModuleRecord record = module_at(node, "nn.GroupNorm");
    const auto groups = integers_of(node, match.has(native) ? "group" : "num_groups", 1, 1);
    if (!groups) return declined("the number of its groups is computed in the graph");
    record.attrs.set("num_groups", groups->front());
    record.attrs.set("num_channels", *channels);
    if (Outcome copied = copy_attr(record, "eps", node); !copied) return copied;
    if (Outcome bound = bind_params(node, {"weight", "bias"}, record); !bound) return bound;
    return raise_to(graft, match[norm], std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_group_norm_pattern() { return std::make_shared<RaiseGroupNormPattern>(); }

}  // namespace graftwork::core
