// %y = aten.batch_norm.default(%x, %weight, %bias, %mean, %var)   =>   %y = nn.BatchNorm2d @path(%x) {...}
#include "graftwork/patterns/recompositions/batch_norm_record.h"
#include "graftwork/patterns/recompositions/patterns.h"

namespace graftwork::core {
namespace {

struct RaiseBatchNormPattern final : Pattern {
  Pat x = any();
  Pat norm = op("aten.batch_norm.default")(x).and_more_inputs();

  std::string_view name() const override { return "RaiseBatchNormPattern"; }
  std::vector<Pat> roots() const override { return {norm}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[norm];
    if (flag_of(node, "training", false)) return declined("the batch norm is in training mode");
    return raise_batch_norm(graft, node, node);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_batch_norm_pattern() { return std::make_shared<RaiseBatchNormPattern>(); }

}  // namespace graftwork::core
