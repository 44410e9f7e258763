// %y = nn.Linear(%x), without bias
// %z = aten.add.Tensor(%y, %bias)                        =>   %z = nn.Linear(%x), with it
//
// Core ATen multiplies tokens as rows and adds the bias to the tokens: once the views are gone, the two stand together.
#include "graftwork/patterns/conversions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct LinearBiasPattern final : Pattern {
  Pat layer = op("nn.Linear")(any()).where(
      [](const GraphModule& module, const Node& node) { return !module.record(node).param("bias"); }, "");
  Pat bias = constant();
  Pat sum = op("aten.add.Tensor")(layer, bias).commutes();

  std::string_view name() const override { return "LinearBiasPattern"; }
  std::vector<Pat> roots() const override { return {sum}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[layer];
    const ParamExpr& offset = match[bias].constant();
    if (number_of(match[sum], "alpha", 1) != 1) return declined("it scales an operand");
    if (!node.tensor() || offset.type().dims != std::vector<Dim>{node.tensor()->dims.back()})
      return declined("what is added is " + offset.type().text());
    if (match[sum].type() != node.type()) return declined("the sum has another type");
    for (const Node& other : graft.module().graph().nodes()) {
      const bool is_called_again = other.kind() == NodeKind::kCallModule && other.module() == node.module();
      if (is_called_again && &other != &node) return declined("the layer is called again");
    }
    graft.edit(node.module()).set_param("bias", offset);
    return graft.replace(match[sum], node);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_linear_bias_pattern() { return std::make_shared<LinearBiasPattern>(); }

}  // namespace graftwork::core
