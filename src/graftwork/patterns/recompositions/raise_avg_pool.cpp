// %y = aten.avg_pool2d.default(%x)   =>   %y = nn.AvgPool2d @path(%x) {...}
//
// With one window that is larger than the map it is global pooling.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/pool_record.h"

namespace graftwork::core {
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
    if (covers_all(node, match[x])) {
      const size_t spatial = spatial_of(node.op());
      ModuleRecord global = module_at(node, cat("nn.AdaptiveAvgPool", spatial, "d"));
      global.attrs.set("output_size", std::vector<int64_t>(spatial, 1));
      return raise_to(graft, node, std::move(global), {&match[x]});
    }
    ModuleRecord record = module_at(node, cat("nn.AvgPool", spatial_of(node.op()), "d"));
    if (!fill_pool(node, record)) return declined("its window is computed in the graph");
    if (Outcome copied = copy_attr(record, "count_include_pad", node); !copied) return copied;
    return raise_to(graft, node, std::move(record), {&match[x]});
  }

 private:
  /// torch divides by what of the window lies on the map.
  static bool covers_all(const Node& node, const Node& x) {
    const size_t spatial = spatial_of(node.op());
    const auto kernel = integers_of(node, "kernel_size", spatial, 0),
               padding = integers_of(node, "padding", spatial, 0);
    if (!kernel || !padding || !x.tensor() || !node.tensor() || x.tensor()->rank() != spatial + 2) return false;
    bool covers = true;
    for (size_t i = 0; i < spatial; ++i) {
      const auto extent = x.tensor()->dims[i + 2].maybe_value();
      covers &= (*padding)[i] == 0 && extent && (*kernel)[i] >= *extent && node.tensor()->dims[i + 2] == Dim(1);
    }
    return covers;
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_avg_pool_pattern() { return std::make_shared<RaiseAvgPoolPattern>(); }

}  // namespace graftwork::core
