// %y = FusedLinear(%x)
// … = aten.sin.default, aten.cos.default of %y, scaled and moved
//
// Fourier features of coordinates (Segment Anything's points): sine and cosine see the angle, not its size, so a
// rounding of 1/127 of the largest angle, which is many turns, leaves nothing of them.
#include <algorithm>
#include <array>

#include "graftwork/ir/operator_name.h"
#include "graftwork/ir/reads_behind.h"
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

bool is_read_as_angle(const Node& value, const PlacementRules& rules) {
  static const std::array<Symbol, 2> kTurns{"aten.sin.default", "aten.cos.default"};
  static const std::array<Symbol, 4> kScales{"aten.mul.Scalar", "aten.mul.Tensor", "aten.div.Scalar",
                                             "aten.div.Tensor"};
  const auto reads =
      reads_behind(value, [&](const Node& node) { return rules.keeps(node) || is_one_of(node.op(), kScales); });
  return reads && std::any_of(reads->begin(), reads->end(),
                              [](const Use* read) { return is_one_of(read->user()->op(), kTurns); });
}

struct AnglePattern final : QuantizationPattern {
  Pat layer = op("FusedLinear")(any());

  std::string_view name() const override { return "AnglePattern"; }
  std::vector<Pat> roots() const override { return {layer}; }
  void settle(const Match& match, StubDraft& draft) const override {
    if (is_read_as_angle(match[layer], draft.rules()))
      draft.leave_float(match[layer], "its result is an angle, of which sine or cosine sees a part of a turn");
  }
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_angle_pattern() { return std::make_shared<AnglePattern>(); }

}  // namespace graftwork::core
