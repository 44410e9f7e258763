// %y = aten.linear.default(%x, %weight, %bias)   =>   %y = nn.Linear @path(%x) {...}
#include "graftwork/patterns/recompositions/linear_record.h"
#include "graftwork/patterns/recompositions/patterns.h"

namespace graftwork::core {
namespace {

struct RaiseLinearPattern final : Pattern {
  Pat x = any();
  Pat linear = op("aten.linear.default")(x).and_more_inputs();

  std::string_view name() const override { return "RaiseLinearPattern"; }
  std::vector<Pat> roots() const override { return {linear}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[linear];
    const ParamExpr* weight = parameter_input(node, 1);
    if (!weight) return declined("its weight is computed in the graph");
    if (weight->type().rank() != 2) return declined("its weight is " + weight->type().text());
    const ParamExpr* bias = parameter_input(node, 2);
    if (node.input_count() > 2 && !bias) return declined("its bias is computed in the graph");
    return raise_to(graft, node, linear_record(node, *weight, bias), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_linear_pattern() { return std::make_shared<RaiseLinearPattern>(); }

}  // namespace graftwork::core
