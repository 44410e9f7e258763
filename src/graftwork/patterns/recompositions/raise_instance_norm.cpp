// %y = aten.instance_norm.default(%x, %weight, %bias) {use_input_stats=true}   =>   %y = nn.InstanceNorm2d @path(%x)
//
// On running statistics it is a batch norm.
#include "graftwork/patterns/recompositions/batch_norm_record.h"
#include "graftwork/patterns/recompositions/patterns.h"

namespace graftwork::core {
namespace {

struct RaiseInstanceNormPattern final : Pattern {
  Pat x = any();
  Pat norm = op("aten.instance_norm.default")(x).and_more_inputs();

  std::string_view name() const override { return "RaiseInstanceNormPattern"; }
  std::vector<Pat> roots() const override { return {norm}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[norm];
    if (!flag_of(node, "use_input_stats", true)) return raise_batch_norm(graft, node, node);
    const TensorType* in = match[x].tensor();
    const auto channels = in && in->rank() >= 3 && in->rank() <= 5 ? in->dims[1].maybe_value() : std::nullopt;
    if (!channels) return declined("the number of its channels is not known");
    ModuleRecord record = module_at(node, cat("nn.InstanceNorm", in->rank() - 2, "d"));
    record.attrs.set("num_features", *channels);
    if (Outcome copied = copy_attr(record, "eps", node); !copied) return copied;
    // Running statistics may be given too; they are not read.
    if (Outcome bound = bind_params(node, {"weight", "bias"}, record); !bound) return bound;
    return raise_to(graft, node, std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_instance_norm_pattern() {
  return std::make_shared<RaiseInstanceNormPattern>();
}

}  // namespace graftwork::core
