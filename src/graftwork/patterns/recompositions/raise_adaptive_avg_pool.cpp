// %y = aten.adaptive_avg_pool2d.default(%x)   =>   %y = nn.AdaptiveAvgPool2d @path(%x) {...}
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/pool_record.h"

namespace graftwork::core {
namespace {

struct RaiseAdaptiveAvgPoolPattern final : Pattern {
  Pat x = any();
  Pat pool =
      op({"aten.adaptive_avg_pool1d.default", "aten.adaptive_avg_pool2d.default", "aten.adaptive_avg_pool3d.default",
          "aten._adaptive_avg_pool2d.default", "aten._adaptive_avg_pool3d.default"})(x);

  std::string_view name() const override { return "RaiseAdaptiveAvgPoolPattern"; }
  std::vector<Pat> roots() const override { return {pool}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_adaptive_pool(graft, match[pool], match[pool], "nn.AdaptiveAvgPool");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_adaptive_avg_pool_pattern() {
  return std::make_shared<RaiseAdaptiveAvgPoolPattern>();
}

}  // namespace graftwork::core
