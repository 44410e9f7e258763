// %y = nn.AdaptiveAvgPool2d(%x)   =>   %y = FusedAdaptiveAvgPool2d(%x) [pool]
//
// A unit of its own, so that placement can decide about Q on both sides of it (rules F9, C5).
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"

namespace graftwork {
namespace {

struct AdaptiveAvgPoolPattern final : FusionPattern {
  Pat x = any();
  Pat pool = op("nn.AdaptiveAvgPool2d")(x);

  std::string_view name() const override { return "AdaptiveAvgPoolPattern"; }
  std::vector<Pat> roots() const override { return {pool}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedAdaptiveAvgPool2d", {{"pool", pool}}, {x}, pool, match, graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_adaptive_avg_pool_pattern() { return std::make_shared<AdaptiveAvgPoolPattern>(); }

}  // namespace graftwork
