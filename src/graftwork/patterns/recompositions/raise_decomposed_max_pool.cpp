// %t = aten.max_pool2d_with_indices.default(%x)
// %y = get_item(%t) {index=0}                     =>   %y = nn.MaxPool2d @path(%x) {...}
//
// How core ATen spells max pooling; a reader of the indices keeps the operator.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/pool_record.h"

namespace graftwork::core {
namespace {

struct RaiseDecomposedMaxPoolPattern final : Pattern {
  Pat x = any();
  Pat pool = op({"aten.max_pool2d_with_indices.default", "aten.max_pool3d_with_indices.default"})(x);
  Pat first = op("get_item")(pool).attr("index", Attribute(0));

  std::string_view name() const override { return "RaiseDecomposedMaxPoolPattern"; }
  std::vector<Pat> roots() const override { return {first}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_max_pool(graft, match[first], match[pool]);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_decomposed_max_pool_pattern() {
  return std::make_shared<RaiseDecomposedMaxPoolPattern>();
}

}  // namespace graftwork::core
