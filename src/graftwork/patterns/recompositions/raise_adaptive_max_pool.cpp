// %t = aten.adaptive_max_pool2d.default(%x)
// %y = get_item(%t) {index=0}                 =>   %y = nn.AdaptiveMaxPool2d @path(%x) {...}
//
// A reader of the indices keeps the operator.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/pool_record.h"

namespace graftwork::core {
namespace {

struct RaiseAdaptiveMaxPoolPattern final : Pattern {
  Pat x = any();
  Pat pool = op(
      {"aten.adaptive_max_pool1d.default", "aten.adaptive_max_pool2d.default", "aten.adaptive_max_pool3d.default"})(x);
  Pat first = op("get_item")(pool).attr("index", Attribute(0));

  std::string_view name() const override { return "RaiseAdaptiveMaxPoolPattern"; }
  std::vector<Pat> roots() const override { return {first}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_adaptive_pool(graft, match[first], match[pool], "nn.AdaptiveMaxPool");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_adaptive_max_pool_pattern() {
  return std::make_shared<RaiseAdaptiveMaxPoolPattern>();
}

}  // namespace graftwork::core
