// %c = nn.Conv2d(%x)
// %b = nn.BatchNorm2d(%c)?        =>   %b = FusedConvBN(%x) [conv, bn?]
//
// A convolution alone is fused too, so that it gets its stubs. Rule F1: nothing may stand between the two. One, two or
// three dimensions; a transposed one stays in floating point (rule F13).
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"

namespace graftwork {
namespace {

struct ConvBNPattern final : FusionPattern {
  Pat x = any();
  Pat conv = op(convolutions())(x);
  Pat bn = op(batch_norms())(conv);
  Pat out = either(bn, conv);

  std::string_view name() const override { return "ConvBNPattern"; }
  std::vector<Pat> roots() const override { return {out}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedConvBN", {{"conv", conv}, {"bn", bn}}, {x}, out, match, graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_conv_bn_pattern() { return std::make_shared<ConvBNPattern>(); }

}  // namespace graftwork
