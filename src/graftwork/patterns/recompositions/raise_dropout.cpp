// %y = aten.dropout.default(%x) {p=0.5, train=false}   =>   %y = nn.Dropout @path(%x)
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaiseDropoutPattern final : Pattern {
  Pat x = any();
  Pat dropout = op({"aten.dropout.default", "aten.feature_dropout.default", "aten.alpha_dropout.default"})(x);

  std::string_view name() const override { return "RaiseDropoutPattern"; }
  std::vector<Pat> roots() const override { return {dropout}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[dropout];
    if (flag_of(node, "train", true)) return declined("the dropout is in training mode");
    ModuleRecord record = module_at(node, "nn.Dropout");
    if (Outcome copied = copy_attr(record, "p", node); !copied) return copied;
    return raise_to(graft, node, std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_dropout_pattern() { return std::make_shared<RaiseDropoutPattern>(); }

}  // namespace graftwork::core
