// FusedAdaptiveAvgPool2d(%x)
//
// Rule F9: between INT8 neighbours average pooling needs Q/DQ on both sides; without them the kernel in front writes
// floating point and the DQ of its residual stays behind as a kernel. Elsewhere it needs none, and other precisions
// have no pooling kernel.
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

struct GlobalPoolPattern final : QuantizationPattern {
  Pat x = any();
  Pat pool = op("FusedAdaptiveAvgPool2d")(x);

  std::string_view name() const override { return "GlobalPoolPattern"; }
  std::vector<Pat> roots() const override { return {pool}; }
  void propose(const Match& match, StubDraft& draft) const override {
    if (draft.precision(match[pool]) != Precision::kInt8) return;
    draft.quantize(match[pool], 0, "between INT8 neighbours pooling has Q/DQ on both sides (rule F9)");
  }
  void settle(const Match& match, StubDraft& draft) const override {
    const bool between =
        draft.comes_from_int8_kernel(match[x]) && draft.is_read_as_int8(match[x]) && draft.is_read_as_int8(match[pool]);
    if (!between) draft.leave_float(match[pool], 0, "its neighbours are not all INT8 (rule F9)");
  }
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_global_pool_pattern() { return std::make_shared<GlobalPoolPattern>(); }

}  // namespace graftwork::core
