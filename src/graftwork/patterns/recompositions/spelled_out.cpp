#include "graftwork/patterns/recompositions/spelled_out.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "graftwork/base/text.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

/// Single precision has 24 bits: a constant that was rounded to it is the constant.
bool same_number(double a, double b) { return std::fabs(a - b) <= 1e-6 * std::fabs(b); }

NodeCondition number_is(Symbol attr, double expected) {
  return [=](const GraphModule&, const Node& node) {
    return same_number(number_of(node, attr, std::numeric_limits<double>::quiet_NaN()), expected);
  };
}

NodeCondition unscaled() {
  return [](const GraphModule&, const Node& node) { return number_of(node, "alpha", 1) == 1; };
}

}  // namespace

Pat times(const Pat& x, double factor) {
  return either(op({"aten.mul.Tensor", "aten.mul.Scalar"})(x).where(number_is("other", factor), ""),
                op({"aten.div.Tensor", "aten.div.Scalar"})(x).where(number_is("other", 1 / factor), ""));
}

Pat plus(const Pat& x, double summand) {
  return op({"aten.add.Tensor", "aten.add.Scalar"})(x).where(number_is("other", summand), "").where(unscaled(), "");
}

Pat product(const Pat& a, const Pat& b) { return op("aten.mul.Tensor")(a, b).commutes(); }

Pat scaled_product(const Pat& a, const Pat& b, double factor) {
  return either(times(product(a, b), factor), either(product(times(a, factor), b), product(a, times(b, factor))));
}

Pat clipped(const Pat& x, double low, double high) {
  const auto limits = [&](Symbol least, Symbol most) {
    return [=](const GraphModule&, const Node& node) {
      return number_of(node, least, -1) == low && number_of(node, most, 1) == high;
    };
  };
  const Pat clip = either(op("aten.clamp.default")(x).where(limits("min", "max"), ""),
                          op("aten.hardtanh.default")(x).where(limits("min_val", "max_val"), ""));
  return low == 0 && high == 6 ? either(op({"nn.ReLU6", "aten.relu6.default"})(x), clip) : clip;
}

Outcome raise_spelled_out(Graft& graft, Node& last, Node& x, Symbol kind, AttrMap attrs) {
  if (!last.tensor() || !x.tensor() || last.type() != x.type() || !is_floating(x.tensor()->dtype))
    return declined("it does not keep a floating-point type");
  ModuleRecord record = module_at(last, kind);
  std::string part = kind.str().substr(kind.str().find('.') + 1);
  std::transform(part.begin(), part.end(), part.begin(), [](unsigned char c) { return std::tolower(c); });
  record.path = cat(record.path.str(), ".", part);
  record.attrs = std::move(attrs);
  return raise_to(graft, last, std::move(record), {&x});
}

}  // namespace graftwork::core
