// %y = aten.add.Tensor(%a, %b) {alpha=1}   =>   %y = aten.add.Tensor(%a, %b)
//
// The sum of two tensors has one spelling; a scaled sum stays what it is.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaiseAddPattern final : Pattern {
  Pat a = any();
  Pat b = any();
  Pat add = op("aten.add.Tensor")(a, b)
                .where([](const GraphModule&, const Node& node) { return !node.attrs().empty(); }, "")
                .where([](const GraphModule&, const Node& node) { return number_of(node, "alpha", 1) == 1; },
                       "it scales an operand");

  std::string_view name() const override { return "RaiseAddPattern"; }
  std::vector<Pat> roots() const override { return {add}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return graft.replace(match[add], graft.call_function("aten.add.Tensor", {&match[a], &match[b]}, {}));
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_add_pattern() { return std::make_shared<RaiseAddPattern>(); }

}  // namespace graftwork::core
