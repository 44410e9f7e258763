// %y = nn.Linear(%x)   =>   %y = FusedLinear(%x) [linear]
#include "graftwork/patterns/fusions/fusion.h"
#include "graftwork/patterns/fusions/patterns.h"

namespace graftwork {
namespace {

struct LinearPattern final : FusionPattern {
  Pat x = any();
  Pat linear = op("nn.Linear")(x);

  std::string_view name() const override { return "LinearPattern"; }
  std::vector<Pat> roots() const override { return {linear}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return fuse("FusedLinear", {{"linear", linear}}, {x}, linear, match, graft);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_linear_pattern() { return std::make_shared<LinearPattern>(); }

}  // namespace graftwork
