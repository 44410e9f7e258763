// %c = nn.Conv2d(%x)
// %b = nn.BatchNorm2d(%c)?        =>   %a = FusedConvBNAct(%x) [conv, bn?, act]
// %a = act(%b)
//
// Rules F1, F2: one kernel, as long as nothing stands between.
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"

namespace graftwork {
namespace {

struct ConvBNActPattern final : FusionPattern {
  Pat x = any();
  Pat conv = op(convolutions())(x);
  Pat bn = op(batch_norms())(conv);
  Pat act = op(fusible_activations())(either(bn, conv));

  std::string_view name() const override { return "ConvBNActPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedConvBNAct", {{"conv", conv}, {"bn", bn}, {"act", act}}, {x}, act, match, graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_conv_bn_act_pattern() { return std::make_shared<ConvBNActPattern>(); }

}  // namespace graftwork
