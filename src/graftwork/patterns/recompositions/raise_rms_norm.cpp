// %y = aten.rms_norm.default(%x, %weight) {normalized_shape=[64]}   =>   %y = nn.RMSNorm @path(%x) {...}
#include <limits>

#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaiseRMSNormPattern final : Pattern {
  Pat x = any();
  Pat norm = op("aten.rms_norm.default")(x).and_more_inputs();

  std::string_view name() const override { return "RaiseRMSNormPattern"; }
  std::vector<Pat> roots() const override { return {norm}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[norm];
    const Attribute* shape = node.attrs().find("normalized_shape");
    if (!shape || !shape->get<std::vector<int64_t>>()) return declined("its shape is computed in the graph");
    ModuleRecord record = module_at(node, "nn.RMSNorm");
    record.attrs.set("normalized_shape", *shape);
    record.attrs.set("eps", number_of(node, "eps", std::numeric_limits<float>::epsilon()));  // torch's when not given
    if (Outcome bound = bind_params(node, {"weight"}, record); !bound) return bound;
    return raise_to(graft, node, std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_rms_norm_pattern() { return std::make_shared<RaiseRMSNormPattern>(); }

}  // namespace graftwork::core
