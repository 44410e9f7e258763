// %y = nn.Dropout(%x)   =>   %x
//
// Identity, dropout in inference, copies, and casts or views to the type that is there already. The
// graph is functional, so a copy is its original.
#include <algorithm>
#include <array>

#include "graftwork/patterns/conversions/patterns.h"

namespace graftwork {
namespace {

/// Always the identity; the others of the list below only when they keep the type.
bool is_always_identity(Symbol op) {
  static const std::array<Symbol, 9> kAlways{
      "nn.Identity",        "nn.Dropout",          "aten.clone.default",           "aten.contiguous.default",
      "aten.alias.default", "aten.detach.default", "aten.lift_fresh_copy.default", "aten.lift_fresh.default",
      "aten.lift.default"};
  return std::find(kAlways.begin(), kAlways.end(), op) != kAlways.end();
}

struct RemoveIdentityPattern final : Pattern {
  Pat x = any();
  Pat same = op({"nn.Identity", "nn.Dropout", "aten.clone.default", "aten.contiguous.default", "aten.alias.default",
                 "aten.detach.default", "aten.lift_fresh_copy.default", "aten.lift_fresh.default", "aten.lift.default",
                 "aten.to.dtype", "aten.to.dtype_layout", "aten.to.device", "aten._to_copy.default",
                 "aten.view.default", "aten.reshape.default", "aten.expand.default", "aten.flatten.using_ints"})(x)
                 .and_more_inputs()
                 .where(
                     [](const GraphModule&, const Node& node) {
                       return is_always_identity(node.op()) || (node.tensor() && node.type() == node.input(0).type());
                     },
                     "it changes the type");

  std::string_view name() const override { return "RemoveIdentityPattern"; }
  std::vector<Pat> roots() const override { return {same}; }
  Outcome graft(const Match& match, Graft& graft) const override { return graft.replace(match[same], match[x]); }
};

}  // namespace

std::shared_ptr<const Pattern> make_remove_identity_pattern() { return std::make_shared<RemoveIdentityPattern>(); }

}  // namespace graftwork
