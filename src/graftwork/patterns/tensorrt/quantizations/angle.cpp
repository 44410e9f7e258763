// %y = FusedLinear(%x)
// … = aten.sin.default, aten.cos.default of %y, scaled and moved
//
// Fourier features of coordinates (Segment Anything's points): sine and cosine see the angle, not its size, so a
// rounding of 1/127 of the largest angle, which is many turns, leaves nothing of them.
#include <algorithm>
#include <array>
#include <unordered_set>

#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork {
namespace {

template <size_t N>
bool is_one_of(const std::array<Symbol, N>& ops, Symbol op) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

bool is_read_as_angle(const Node& value, const PlacementRules& rules) {
  static const std::array<Symbol, 2> kTurns{"aten.sin.default", "aten.cos.default"};
  static const std::array<Symbol, 4> kScales{"aten.mul.Scalar", "aten.mul.Tensor", "aten.div.Scalar",
                                             "aten.div.Tensor"};
  std::vector<const Node*> open{&value};
  std::unordered_set<const Node*> seen;
  while (!open.empty()) {
    const Node& at = *open.back();
    open.pop_back();
    if (!seen.insert(&at).second) continue;
    for (const Use* use = at.uses(); use; use = use->next()) {
      const Node& user = *use->user();
      if (is_one_of(kTurns, user.op())) return true;
      if (rules.keeps(user) || is_one_of(kScales, user.op())) open.push_back(&user);
    }
  }
  return false;
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

}  // namespace graftwork
