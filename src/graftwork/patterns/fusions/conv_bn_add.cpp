// %c = nn.Conv2d(%x)
// %b = nn.BatchNorm2d(%c)?
// %s = aten.add.Tensor(%b, %residual)   =>   %s = FusedConvBNAdd(%x, %residual) [conv, bn?]
//
// A skip connection without an activation, as in an inverted residual: the projection takes the add (rules F3, F4).
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"
#include "graftwork/patterns/residual_add.h"

namespace graftwork {
namespace {

struct ConvBNAddPattern final : FusionPattern {
  Pat x = any();
  Pat conv = op(forward_convolutions())(x);
  Pat bn = op(batch_norms())(conv);
  Pat residual = any();
  Pat add = residual_add(either(bn, conv), residual);

  std::string_view name() const override { return "ConvBNAddPattern"; }
  std::vector<Pat> roots() const override { return {add}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedConvBNAdd", {{"conv", conv}, {"bn", bn}}, {x, residual}, add, match, graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_conv_bn_add_pattern() { return std::make_shared<ConvBNAddPattern>(); }

}  // namespace graftwork
