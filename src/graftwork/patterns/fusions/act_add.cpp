// %a = act(%x)
// %y = aten.add.Tensor(%a, %residual)   =>   %y = FusedActAdd(%x, %residual) [act]
//
// An activation in front of a skip connection: one elementwise kernel when no convolution takes it (rule F6).
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"
#include "graftwork/patterns/residual_add.h"

namespace graftwork {
namespace {

struct ActAddPattern final : FusionPattern {
  Pat x = any();
  Pat act = op(fusible_activations())(x);
  Pat residual = any();
  Pat add = residual_add(act, residual);

  std::string_view name() const override { return "ActAddPattern"; }
  std::vector<Pat> roots() const override { return {add}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedActAdd", {{"act", act}}, {x, residual}, add, match, graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_act_add_pattern() { return std::make_shared<ActAddPattern>(); }

}  // namespace graftwork
