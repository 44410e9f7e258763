// %a = aten.add.Tensor(%x) {other=3}
// %b = aten.hardtanh.default(%a) {max_val=6, min_val=0}
// %y = aten.div.Tensor(%b) {other=6}                      =>   %y = nn.Hardsigmoid(%x)
//
// Or the limits 0 and 1 on x / 6 + 1/2.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutHardsigmoidPattern final : Pattern {
  Pat x = any();
  Pat raised = times(clipped(plus(x, 3), 0, 6), 1.0 / 6.0);
  Pat scaled = clipped(plus(times(x, 1.0 / 6.0), 0.5), 0, 1);
  Pat act = either(raised, scaled);

  std::string_view name() const override { return "RaiseSpelledOutHardsigmoidPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "nn.Hardsigmoid");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_hardsigmoid_pattern() {
  return std::make_shared<RaiseSpelledOutHardsigmoidPattern>();
}

}  // namespace graftwork::core
