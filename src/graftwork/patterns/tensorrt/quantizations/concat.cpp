// aten.cat.default(%a, %b, ...)
//
// Rule C5: concatenation moves INT8 only where its inputs and its output have one scale; with several, each input is
// quantized again. The stubs around it share theirs, also through one concatenation into the next.
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

struct ConcatPattern final : QuantizationPattern {
  Pat concat = op("aten.cat.default")(any()).and_more_inputs();

  std::string_view name() const override { return "ConcatPattern"; }
  std::vector<Pat> roots() const override { return {concat}; }
  void finish(const Match& match, StubDraft& draft) const override {
    Node& node = match[concat];
    if (!draft.is_read_as_int8(node)) return;
    for (size_t slot = 0; slot < node.input_count(); ++slot) {
      draft.share_scale(node, before_data_movement(node.input(slot), draft.rules()), node);
    }
  }
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_concat_pattern() { return std::make_shared<ConcatPattern>(); }

}  // namespace graftwork::core
