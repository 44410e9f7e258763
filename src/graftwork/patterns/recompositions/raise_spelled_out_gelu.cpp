// %a = aten.div.Tensor(%x) {other=1.4142135623730951}
// %e = aten.erf.default(%a)
// %s = aten.add.Tensor(%e) {other=1}
// %h = aten.mul.Tensor(%x) {other=0.5}
// %y = aten.mul.Tensor(%h, %s)                           =>   %y = nn.GELU(%x)
//
// And its approximation with tanh (Hendrycks and Gimpel 2016): tanh(√(2/π) · (x + 0.044715 x³)).
#include <numbers>

#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"
#include "graftwork/patterns/recompositions/spelled_out.h"

namespace graftwork::core {
namespace {

constexpr double kCubic = 0.044715;

Pat power(const Pat& x, double exponent) {
  return op("aten.pow.Tensor_Scalar")(x).where(
      [exponent](const GraphModule&, const Node& node) { return number_of(node, "exponent", 0) == exponent; }, "");
}

Pat sum(const Pat& a, const Pat& b) {
  return op("aten.add.Tensor")(a, b).commutes().where(
      [](const GraphModule&, const Node& node) { return number_of(node, "alpha", 1) == 1; }, "");
}

struct RaiseSpelledOutGELUPattern final : Pattern {
  Pat x = any();
  Pat erf = op("aten.erf.default")(times(x, std::numbers::sqrt2 / 2));
  Pat act = scaled_product(x, plus(erf, 1), 0.5);

  std::string_view name() const override { return "RaiseSpelledOutGELUPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "nn.GELU");
  }
};

struct RaiseSpelledOutTanhGELUPattern final : Pattern {
  Pat x = any();
  Pat cube = either(power(x, 3), product(product(x, x), x));
  Pat inner = times(sum(x, times(cube, kCubic)), std::numbers::sqrt2* std::numbers::inv_sqrtpi);
  Pat tanh = op({"aten.tanh.default", "nn.Tanh"})(inner);
  Pat act = scaled_product(x, plus(tanh, 1), 0.5);

  std::string_view name() const override { return "RaiseSpelledOutTanhGELUPattern"; }
  std::vector<Pat> roots() const override { return {act}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return raise_spelled_out(graft, match[act], match[x], "nn.GELU", {{"approximate", Attribute("tanh")}});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_spelled_out_gelu_pattern() {
  return std::make_shared<RaiseSpelledOutGELUPattern>();
}

std::shared_ptr<const Pattern> make_raise_spelled_out_tanh_gelu_pattern() {
  return std::make_shared<RaiseSpelledOutTanhGELUPattern>();
}

}  // namespace graftwork::core
