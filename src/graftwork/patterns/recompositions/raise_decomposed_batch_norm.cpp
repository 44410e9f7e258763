// %t = aten._native_batch_norm_legit_no_training.default(%x, %weight, %bias, %mean, %var)
// %y = get_item(%t) {index=0}                                   =>   %y = nn.BatchNorm2d @path(%x) {...}
//
// How core ATen spells batch norm in inference.
#include "graftwork/patterns/recompositions/batch_norm_record.h"
#include "graftwork/patterns/recompositions/patterns.h"

namespace graftwork::core {
namespace {

struct RaiseDecomposedBatchNormPattern final : Pattern {
  Pat x = any();
  Pat norm = op("aten._native_batch_norm_legit_no_training.default")(x).and_more_inputs();
  Pat first = op("get_item")(norm).attr("index", Attribute(0));

  std::string_view name() const override { return "RaiseDecomposedBatchNormPattern"; }
  std::vector<Pat> roots() const override { return {first}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_batch_norm(graft, match[first], match[norm]);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_decomposed_batch_norm_pattern() {
  return std::make_shared<RaiseDecomposedBatchNormPattern>();
}

}  // namespace graftwork::core
