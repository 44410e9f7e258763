// %pool = FusedAdaptiveAvgPool2d(%x)  or  aten.mean.dim(%x)
// %gate = layers and activations behind %pool
// %y = aten.mul.Tensor(%x, %gate)
//
// Squeeze and excite. The multiply itself has no Q/DQ (rule F15 would ask for them all around): with them the engine
// has the same kernels and moves the same bytes. The layers of the gate see one pixel each, and their Q/DQ are kernels
// that save nothing: a recipe may leave the branch in floating point (docs/decisions/squeeze_excite.md).
#include <algorithm>

#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

struct SqueezeExcitePattern final : QuantizationPattern {
  static constexpr uint32_t kMostLayers = 12;

  Pat x = any();
  Pat pool =
      either(op("FusedAdaptiveAvgPool2d")(x).where(is_one_pixel, ""), op("aten.mean.dim")(x).where(is_one_pixel, ""));
  Pat gate = stretch(pool, 1, kMostLayers);
  Pat mul = op("aten.mul.Tensor")(x, gate).commutes();

  std::string_view name() const override { return "SqueezeExcitePattern"; }
  std::vector<Pat> roots() const override { return {mul}; }
  void settle(const Match& match, StubDraft& draft) const override {
    for (const Node* node : match.nodes()) {
      if (draft.is_fused(*node) && draft.policy(*node).float_squeeze_excite)
        draft.leave_float(*node, kFloatSqueezeExcite);
    }
  }

 private:
  /// Behind samples and channels.
  static bool is_one_pixel(const GraphModule&, const Node& node) {
    const TensorType* type = node.tensor();
    return type && type->rank() >= 2 &&
           std::all_of(type->dims.begin() + 2, type->dims.end(), [](const Dim& extent) { return extent == Dim(1); });
  }
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_squeeze_excite_pattern() {
  return std::make_shared<SqueezeExcitePattern>();
}

}  // namespace graftwork::core
