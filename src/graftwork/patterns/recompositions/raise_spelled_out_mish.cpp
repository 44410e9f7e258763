// %s = aten.softplus.default(%x)
// %t = aten.tanh.default(%s)
// %y = aten.mul.Tensor(%x, %t)     =>   %y = nn.Mish(%x)
//
// Or the logarithm of 1 + exp(x) in place of the softplus.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutMishPattern final : Pattern {
  Pat x = any();
  Pat softplus = either(
      op("aten.softplus.default")(x).where(
          [](const GraphModule&, const Node& node) { return number_of(node, "beta", 1) == 1; }, "its beta is not 1"),
      either(op("aten.log1p.default")(op("aten.exp.default")(x)),
             op("aten.log.default")(plus(op("aten.exp.default")(x), 1))));
  Pat act = product(x, op({"aten.tanh.default", "nn.Tanh"})(softplus));

  std::string_view name() const override { return "RaiseSpelledOutMishPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "nn.Mish");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_mish_pattern() {
  return std::make_shared<RaiseSpelledOutMishPattern>();
}

}  // namespace graftwork::core
