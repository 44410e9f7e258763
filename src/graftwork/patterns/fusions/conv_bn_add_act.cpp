// %c = nn.Conv2d(%x)
// %b = nn.BatchNorm2d(%c)?
// %s = aten.add.Tensor(%b, %residual)   =>   %a = FusedConvBNAddAct(%x, %residual) [conv, bn?, act]
// %a = act(%s)
//
// Rule F3: exactly one operand of the add may be the convolution, the shapes must agree. Rule F4: of two
// convolutions the one on the longer branch absorbs the add; Pat::commutes tries it first.
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"
#include "graftwork/patterns/residual_add.h"

namespace graftwork {
namespace {

struct ConvBNAddActPattern final : FusionPattern {
  Pat x = any();
  Pat conv = op(forward_convolutions())(x);
  Pat bn = op(batch_norms())(conv);
  Pat residual = any();
  Pat add = residual_add(either(bn, conv), residual);
  Pat act = op(fusible_activations())(add);

  std::string_view name() const override { return "ConvBNAddActPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedConvBNAddAct", {{"conv", conv}, {"bn", bn}, {"act", act}}, {x, residual}, act, match, graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_conv_bn_add_act_pattern() { return std::make_shared<ConvBNAddActPattern>(); }

}  // namespace graftwork
