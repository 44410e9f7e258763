// %y = aten.avg_pool2d.default(%x)   =>   %y = nn.AvgPool2d @path(%x) {...}
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/pool_record.h"

namespace graftwork {
namespace {

struct RaiseAvgPoolPattern final : Pattern {
  Pat x = any();
  Pat pool = op({"aten.avg_pool1d.default", "aten.avg_pool2d.default", "aten.avg_pool3d.default"})(x);

  std::string_view name() const override { return "RaiseAvgPoolPattern"; }
  std::vector<Pat> roots() const override { return {pool}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[pool];
    if (const Attribute* divisor = node.attrs().find("divisor_override"); divisor && !divisor->is_none()) {
      return declined("it divides by a number of its own");
    }
    ModuleRecord record = module_at(node, cat("nn.AvgPool", spatial_of(node.op()), "d"));
    if (!fill_pool(node, record)) return declined("its window is computed in the graph");
    if (!flag_of(node, "count_include_pad", true)) record.attrs.set("count_include_pad", false);
    return raise_to(graft, node, std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_avg_pool_pattern() { return std::make_shared<RaiseAvgPoolPattern>(); }

}  // namespace graftwork
