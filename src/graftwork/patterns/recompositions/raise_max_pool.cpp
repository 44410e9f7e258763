// %y = aten.max_pool2d.default(%x)   =>   %y = nn.MaxPool2d @path(%x) {...}
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/pool_record.h"

namespace graftwork::core {
namespace {

struct RaiseMaxPoolPattern final : Pattern {
  Pat x = any();
  Pat pool = op({"aten.max_pool1d.default", "aten.max_pool2d.default", "aten.max_pool3d.default"})(x);

  std::string_view name() const override { return "RaiseMaxPoolPattern"; }
  std::vector<Pat> roots() const override { return {pool}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_max_pool(graft, match[pool], match[pool]);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_max_pool_pattern() { return std::make_shared<RaiseMaxPoolPattern>(); }

}  // namespace graftwork::core
