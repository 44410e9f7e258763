// %a = aten.add.Tensor(%x) {other=3}
// %b = aten.hardtanh.default(%a) {max_val=6, min_val=0}
// %c = aten.mul.Tensor(%x, %b)
// %y = aten.div.Tensor(%c) {other=6}                      =>   %y = nn.Hardswish(%x)
//
// Or x times its hard sigmoid.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutHardswishPattern final : Pattern {
  Pat x = any();
  Pat limited = scaled_product(x, clipped(plus(x, 3), 0, 6), 1.0 / 6.0);
  Pat gated = product(x, op({"nn.Hardsigmoid", "aten.hardsigmoid.default"})(x));
  Pat act = either(limited, gated);

  std::string_view name() const override { return "RaiseSpelledOutHardswishPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "nn.Hardswish");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_hardswish_pattern() {
  return std::make_shared<RaiseSpelledOutHardswishPattern>();
}

}  // namespace graftwork::core
