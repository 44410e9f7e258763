// %y = nn.AdaptiveAvgPool2d(%x: f32[1, 64, 7, 7]) {output_size=[7, 7]}   =>   %x
#include "graftwork/base/text.h"
#include "graftwork/patterns/conversions/patterns.h"

namespace graftwork {
namespace {

struct RemoveIdentityAdaptiveAvgPoolPattern final : Pattern {
  Pat x = any();
  Pat pool = op("nn.AdaptiveAvgPool2d")(x);

  std::string_view name() const override { return "RemoveIdentityAdaptiveAvgPoolPattern"; }
  std::vector<Pat> roots() const override { return {pool}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    const TensorType* in = match[x].tensor();
    const TensorType* out = match[pool].tensor();
    if (!in || !out || in->rank() < 2) return declined("the shape of its input is not known");
    const Dim& height = in->dims[in->rank() - 2];
    const Dim& width = in->dims[in->rank() - 1];
    if (!height.is_static() || !width.is_static()) {
      return declined(cat("its input size ", height.text(), "×", width.text(), " is known at run time only"));
    }
    if (in->dims != out->dims) {
      return declined(cat("it pools ", height.text(), "×", width.text(), " to ", out->dims[out->rank() - 2].text(), "×",
                          out->dims[out->rank() - 1].text()));
    }
    return graft.replace(match[pool], match[x]);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_remove_identity_adaptive_avg_pool_pattern() {
  return std::make_shared<RemoveIdentityAdaptiveAvgPoolPattern>();
}

}  // namespace graftwork
