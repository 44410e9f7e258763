// %p = aten.matmul.default(%x, %weight)
// %y = aten.add.Tensor(%p, %bias)                        =>   %y = nn.Linear @path(%x) {weight=permute(weight, [1, 0]),
// bias=bias}
//
// x @ W and x @ W.T + b, as some networks spell their layers; and aten.bmm.default with a weight that is expanded, as
// core ATen spells a layer on tokens.
#include <algorithm>

#include "graftwork/patterns/recompositions/linear_record.h"
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

/// [in, out]; null when the operand is no weight of one layer: what was made while the network was read (matrices of
/// transforms, of pools) is none.
const ParamExpr* matrix_of(const Node& product) {
  static const Symbol kExpand = "aten.expand.default";
  const Node& operand = product.input(1);
  const ParamExpr* weight = operand.op() == kExpand ? parameter_input(operand, 0) : parameter_input(product, 1);
  if (!weight) return nullptr;
  const bool is_expanded = weight->op() == ParamExpr::Op::kOperator && weight->operator_name() == kExpand;
  if (is_expanded) weight = &weight->operands().front();
  const std::vector<Symbol> leaves = weight->leaves();
  const bool is_made = std::any_of(leaves.begin(), leaves.end(), [](Symbol leaf) {
    return leaf.str().starts_with("folded.") || leaf.str().starts_with("constant.");
  });
  return weight->type().rank() == 2 && !is_made ? weight : nullptr;
}

struct RaiseMatmulPattern final : Pattern {
  Pat x = any();
  Pat matrix = constant();
  Pat matrices = either(op("aten.expand.default")(matrix).and_more_inputs(), matrix);
  Pat product = op({"aten.matmul.default", "aten.bmm.default"})(x, matrices)
                    .where([](const GraphModule&, const Node& node) { return matrix_of(node) != nullptr; }, "");
  Pat bias = constant().where(
      [](const GraphModule&, const Node& node) { return node.tensor() && node.tensor()->rank() == 1; }, "");
  Pat sum = op("aten.add.Tensor")(product, bias)
                .commutes()
                .where([](const GraphModule&, const Node& node) { return number_of(node, "alpha", 1) == 1; }, "");
  Pat result = either(sum, product);

  std::string_view name() const override { return "RaiseMatmulPattern"; }
  std::vector<Pat> roots() const override { return {result}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[result];
    const TensorType* input = match[x].tensor();
    if (!input || input->rank() < 2 || match[x].kind() == NodeKind::kConstant) return declined("it multiplies no rows");
    if (!is_floating(input->dtype)) return declined("its numbers are integers");
    const ParamExpr weight = matrix_of(match[product])->permute({1, 0});
    const ParamExpr* offset = match.has(bias) ? &match[bias].constant() : nullptr;
    if (offset && offset->type().dims[0] != weight.type().dims[0])
      return declined("what is added is " + offset->type().text());
    return raise_to(graft, node, linear_record(match[product], weight, offset), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_matmul_pattern() { return std::make_shared<RaiseMatmulPattern>(); }

}  // namespace graftwork::core
