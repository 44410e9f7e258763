// FusedConvBNAdd(%x, %residual), FusedConvBNAddAct(%x, %residual)
//
// Rule F3: residual operand and sum have one type. A residual with a stub whose sum is read in floating point leaves
// a DQ behind as a kernel; so the residual has one only where all readers of the sum take INT8, with the scale of
// their stub.
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

struct ResidualPattern final : QuantizationPattern {
  Pat x = any();
  Pat residual = any();
  Pat sum = op({"FusedConvBNAdd", "FusedConvBNAddAct"})(x, residual);

  std::string_view name() const override { return "ResidualPattern"; }
  std::vector<Pat> roots() const override { return {sum}; }
  void settle(const Match& match, StubDraft& draft) const override {
    const Node& node = match[sum];
    if (!draft.quantized(node, 0)) {
      draft.leave_float(node, 1, "the convolution that takes the sum runs in floating point (rule F3)");
    } else if (!draft.is_read_as_int8(node)) {
      draft.leave_float(node, 1, "the sum is read in floating point, so it is added in floating point (rule F3)");
    }
  }
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_residual_pattern() { return std::make_shared<ResidualPattern>(); }

}  // namespace graftwork::core
