// %y = nn.Linear(%x)
// %a = act(%y)           =>   %a = FusedLinearAct(%x) [linear, act]
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"

namespace graftwork {
namespace {

struct LinearActPattern final : FusionPattern {
  Pat x = any();
  Pat linear = op("nn.Linear")(x);
  Pat act = op(fusible_activations())(linear);

  std::string_view name() const override { return "LinearActPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedLinearAct", {{"linear", linear}, {"act", act}}, {x}, act, match, graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_linear_act_pattern() { return std::make_shared<LinearActPattern>(); }

}  // namespace graftwork
