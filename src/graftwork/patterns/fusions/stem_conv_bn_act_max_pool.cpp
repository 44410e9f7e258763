// %c = nn.Conv2d(%x)            3 channels in, 7×7
// %b = nn.BatchNorm2d(%c)?
// %a = act(%b)                  =>   %p = FusedConvBNActMaxPool(%x) [conv, bn?, act, pool]
// %p = nn.MaxPool2d(%a)
//
// Rule F7: the stem's pool joins the kernel, so no quantized tensor may stand between the parts.
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"

namespace graftwork {
namespace {

struct StemConvBNActMaxPoolPattern final : FusionPattern {
  Pat x = any();
  Pat conv =
      op("nn.Conv2d")(x).attr("in_channels", Attribute(3)).attr("kernel_size", Attribute(std::vector<int64_t>{7, 7}));
  Pat bn = op("nn.BatchNorm2d")(conv);
  Pat act = op(fusible_activations())(either(bn, conv));
  Pat pool = op("nn.MaxPool2d")(act);

  std::string_view name() const override { return "StemConvBNActMaxPoolPattern"; }
  std::vector<Pat> roots() const override { return {pool}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedConvBNActMaxPool", {{"conv", conv}, {"bn", bn}, {"act", act}, {"pool", pool}}, {x}, pool, match,
                graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_stem_conv_bn_act_max_pool_pattern() {
  return std::make_shared<StemConvBNActMaxPoolPattern>();
}

}  // namespace graftwork
