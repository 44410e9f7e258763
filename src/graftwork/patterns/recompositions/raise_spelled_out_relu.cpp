// %z = aten.zeros_like.default(%x)
// %y = aten.maximum.default(%x, %z)              =>   %y = nn.ReLU(%x)
//
// Or a limit from below at 0.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutReLUPattern final : Pattern {
  Pat x = any();
  Pat larger = op({"aten.maximum.default", "aten.max.other"})(x, op("aten.zeros_like.default")(x)).commutes();
  Pat limited = op({"aten.clamp.default", "aten.clamp_min.default"})(x).where(
      [](const GraphModule&, const Node& node) {
        const Attribute* max = node.attrs().find("max");
        return number_of(node, "min", -1) == 0 && (!max || max->is_none());
      },
      "");
  Pat act = either(larger, limited);

  std::string_view name() const override { return "RaiseSpelledOutReLUPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "nn.ReLU");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_relu_pattern() {
  return std::make_shared<RaiseSpelledOutReLUPattern>();
}

}  // namespace graftwork::core
