// aten._assert_tensor_metadata.default(%x)   =>   (nothing)
//
// Checks of shapes and types that hold for every network of this graph. The sizes that only they read go with them.
#include "graftwork/patterns/conversions/patterns.h"

namespace graftwork {
namespace {

struct RemoveAssertPattern final : Pattern {
  Pat check =
      op({"aten._assert_tensor_metadata.default", "aten._assert_scalar.default", "aten._assert_async.default",
          "aten._assert_async.msg", "aten.sym_constrain_range.default", "aten.sym_constrain_range_for_size.default"})()
          .and_more_inputs();

  std::string_view name() const override { return "RemoveAssertPattern"; }
  std::vector<Pat> roots() const override { return {check}; }
  Outcome graft(const Match& match, Graft& graft) const override { return graft.remove(match[check]); }
};

}  // namespace

std::shared_ptr<const Pattern> make_remove_assert_pattern() { return std::make_shared<RemoveAssertPattern>(); }

}  // namespace graftwork
