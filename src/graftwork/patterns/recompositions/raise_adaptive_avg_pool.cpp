// %y = aten.adaptive_avg_pool2d.default(%x)   =>   %y = nn.AdaptiveAvgPool2d @path(%x) {...}
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork {
namespace {

struct RaiseAdaptiveAvgPoolPattern final : Pattern {
  Pat x = any();
  Pat pool = op({"aten.adaptive_avg_pool2d.default", "aten._adaptive_avg_pool2d.default"})(x);

  std::string_view name() const override { return "RaiseAdaptiveAvgPoolPattern"; }
  std::vector<Pat> roots() const override { return {pool}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[pool];
    const auto size = integers_of(node, "output_size", 2, 0);
    if (!size) return declined("its output size is computed in the graph");
    ModuleRecord record = module_at(node, "nn.AdaptiveAvgPool2d");
    record.attrs.set("output_size", *size);
    return raise_to(graft, node, std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_adaptive_avg_pool_pattern() {
  return std::make_shared<RaiseAdaptiveAvgPoolPattern>();
}

}  // namespace graftwork
