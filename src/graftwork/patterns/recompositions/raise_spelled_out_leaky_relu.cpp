// %s = aten.mul.Tensor(%x) {other=0.1}
// %y = aten.maximum.default(%x, %s)              =>   %y = nn.LeakyReLU(%x) {negative_slope=0.1}
//
// Or a choice by the sign of x.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutLeakyReLUPattern final : Pattern {
  Pat x = any();
  Pat scaled = op({"aten.mul.Tensor", "aten.mul.Scalar"})(x);
  Pat larger = op({"aten.maximum.default", "aten.max.other"})(x, scaled).commutes();
  Pat positive = op({"aten.gt.Scalar", "aten.ge.Scalar"})(x).where(
      [](const GraphModule&, const Node& node) { return number_of(node, "other", 1) == 0; }, "");
  Pat chosen = op("aten.where.self")(positive, x, scaled);
  Pat act = either(larger, chosen);

  std::string_view name() const override { return "RaiseSpelledOutLeakyReLUPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    const double slope = number_of(match[scaled], "other", 0);
    // The larger of the two is the activation only for slopes up to 1.
    if (match.has(larger) && !(slope >= 0 && slope <= 1)) return declined("its slope is not between 0 and 1");
    return raise_spelled_out(graft, match[act], match[x], "nn.LeakyReLU", {{"negative_slope", Attribute(slope)}});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_leaky_relu_pattern() {
  return std::make_shared<RaiseSpelledOutLeakyReLUPattern>();
}

}  // namespace graftwork::core
