// %y = aten.flatten.using_ints(%x) {start_dim=1}   =>   %y = nn.Flatten @path(%x)
// %y = aten.view.default(%x: f32[8, 64, 2, 2]) {size=[8, 256]}
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaiseFlattenPattern final : Pattern {
  Pat x = any();
  Pat flatten =
      op({"aten.flatten.using_ints", "aten.view.default", "aten.reshape.default", "aten._unsafe_view.default"})(x)
          .and_more_inputs();

  std::string_view name() const override { return "RaiseFlattenPattern"; }
  std::vector<Pat> roots() const override { return {flatten}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[flatten];
    const TensorType* in = match[x].tensor();
    const TensorType* out = node.tensor();
    if (!in || !out) return declined("its shapes are not known");
    ModuleRecord record = module_at(node, "nn.Flatten");
    if (node.op() == Symbol("aten.flatten.using_ints")) {
      set_attr(record, "start_dim", integer_of(node, "start_dim", 0));  // torch's when not given; the module's is 1
      if (Outcome copied = copy_attr(record, "end_dim", node); !copied) return copied;
      return raise_to(graft, node, std::move(record), {&match[x]});
    }
    // A view that keeps the first extent and joins the others; the others are then known numbers.
    const bool joins = in->rank() > 2 && out->rank() == 2 && in->dims[0] == out->dims[0];
    const TensorType rest{in->dtype, {in->dims.begin() + (in->rank() > 0 ? 1 : 0), in->dims.end()}};
    if (!joins || !rest.is_static()) return declined("it does more than join all dimensions but the first");
    return raise_to(graft, node, std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_flatten_pattern() { return std::make_shared<RaiseFlattenPattern>(); }

}  // namespace graftwork::core
