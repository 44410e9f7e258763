// %y = FusedLinear(constant)
//
// Relative positions through a layer of their own (DeBERTa, MaxViT): what it computes is the same in every run, and the
// engine computes it in floating point when it builds, with its Q/DQ as rounding.
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

struct ConstantLayerPattern final : QuantizationPattern {
  Pat layer = op({"FusedLinear", "FusedLinearAct", "FusedConvBN", "FusedConvBNAct"})(any());

  std::string_view name() const override { return "ConstantLayerPattern"; }
  std::vector<Pat> roots() const override { return {layer}; }
  void settle(const Match& match, StubDraft& draft) const override {
    Node& node = match[layer];
    if (before_data_movement(node.input(0), draft.rules()).kind() == NodeKind::kConstant)
      draft.leave_float(node, "it reads a constant: its result is computed once, when the engine is built");
  }
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_constant_layer_pattern() {
  return std::make_shared<ConstantLayerPattern>();
}

}  // namespace graftwork::core
