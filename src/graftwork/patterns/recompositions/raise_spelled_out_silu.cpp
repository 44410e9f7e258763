// %g = aten.sigmoid.default(%x)
// %y = aten.mul.Tensor(%x, %g)     =>   %y = nn.SiLU(%x)
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutSiLUPattern final : Pattern {
  Pat x = any();
  Pat gate = op({"aten.sigmoid.default", "nn.Sigmoid"})(x);
  Pat act = product(x, gate);

  std::string_view name() const override { return "RaiseSpelledOutSiLUPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "nn.SiLU");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_silu_pattern() {
  return std::make_shared<RaiseSpelledOutSiLUPattern>();
}

}  // namespace graftwork::core
