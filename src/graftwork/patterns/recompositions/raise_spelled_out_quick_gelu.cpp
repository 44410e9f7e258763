// %a = aten.mul.Tensor(%x) {other=1.702}
// %g = aten.sigmoid.default(%a)
// %y = aten.mul.Tensor(%x, %g)     =>   %y = QuickGELU(%x)
//
// The approximation of GELU with sigmoid (Hendrycks and Gimpel 2016), CLIP's activation.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutQuickGELUPattern final : Pattern {
  Pat x = any();
  Pat gate = op({"aten.sigmoid.default", "nn.Sigmoid"})(times(x, 1.702));
  Pat act = product(x, gate);

  std::string_view name() const override { return "RaiseSpelledOutQuickGELUPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "QuickGELU");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_quick_gelu_pattern() {
  return std::make_shared<RaiseSpelledOutQuickGELUPattern>();
}

}  // namespace graftwork::core
