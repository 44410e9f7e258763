// %y = aten.addmm.default(%bias, %x, %weight)   =>   %y = nn.Linear @path(%x) {weight=permute(weight, [1, 0])}
// %y = aten.mm.default(%x, %weight)
//
// How core ATen spells a linear layer; the two transpositions of the weight cancel.
#include "graftwork/patterns/recompositions/linear_record.h"
#include "graftwork/patterns/recompositions/patterns.h"

namespace graftwork::core {
namespace {

struct RaiseAddmmPattern final : Pattern {
  Pat bias = constant();
  Pat x = any();
  Pat weight = constant();
  Pat addmm = op("aten.addmm.default")(bias, x, weight);
  Pat mm = op("aten.mm.default")(x, weight);
  Pat product = either(addmm, mm);

  std::string_view name() const override { return "RaiseAddmmPattern"; }
  std::vector<Pat> roots() const override { return {product}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[product];
    if (number_of(node, "alpha", 1) != 1 || number_of(node, "beta", 1) != 1) return declined("it scales its operands");
    const ParamExpr& matrix = match[weight].constant();
    if (matrix.type().rank() != 2) return declined("its weight is " + matrix.type().text());
    const ParamExpr* offset = match.has(bias) ? &match[bias].constant() : nullptr;
    if (offset && offset->type().dims != std::vector<Dim>{matrix.type().dims[1]}) {
      return declined("its bias is " + offset->type().text());
    }
    return raise_to(graft, node, linear_record(node, matrix.permute({1, 0}), offset), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_addmm_pattern() { return std::make_shared<RaiseAddmmPattern>(); }

}  // namespace graftwork::core
