// FusedActAdd(%x, %residual)
//
// Rule F15: an elementwise kernel works in INT8 only with Q/DQ on all of its inputs and behind it. Rule F6: where a
// convolution or linear layer is in front of the activation, the activation belongs into its kernel, and a stub on
// this way would split them; the residual keeps its own.
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

struct ActAddStubsPattern final : QuantizationPattern {
  Pat x = any();
  Pat residual = any();
  Pat sum = op("FusedActAdd")(x, residual);

  std::string_view name() const override { return "ActAddStubsPattern"; }
  std::vector<Pat> roots() const override { return {sum}; }
  void settle(const Match& match, StubDraft& draft) const override {
    const Node& node = match[sum];
    const bool continues_kernel = draft.comes_from_int8_kernel(match[x]);
    if (continues_kernel) {
      draft.leave_float(node, 0, "the layer in front takes the activation into its kernel (rule F6)");
    }
    const bool partner_is_float = !continues_kernel && (!draft.quantized(node, 0) || !draft.quantized(node, 1));
    if (!partner_is_float && draft.is_read_as_int8(node)) return;
    for (const size_t input : {0, 1}) {
      draft.leave_float(node, input, "an elementwise kernel is INT8 only with Q/DQ on both sides (rule F15)");
    }
  }
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_act_add_stubs_pattern() {
  return std::make_shared<ActAddStubsPattern>();
}

}  // namespace graftwork::core
