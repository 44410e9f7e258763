// %n = aten.neg.default(%x)
// %e = aten.exp.default(%n)
// %s = aten.add.Tensor(%e) {other=1}
// %y = aten.reciprocal.default(%s)               =>   %y = nn.Sigmoid(%x)
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

struct RaiseSpelledOutSigmoidPattern final : Pattern {
  Pat x = any();
  Pat inverse = op("aten.reciprocal.default")(plus(op("aten.exp.default")(op("aten.neg.default")(x)), 1));
  Pat act = either(times(inverse, 1), inverse);

  std::string_view name() const override { return "RaiseSpelledOutSigmoidPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "nn.Sigmoid");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_sigmoid_pattern() {
  return std::make_shared<RaiseSpelledOutSigmoidPattern>();
}

}  // namespace graftwork::core
