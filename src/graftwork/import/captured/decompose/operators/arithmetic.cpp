// Element by element, and products.
#include <cmath>
#include <limits>
#include <numbers>

#include "graftwork/import/captured/decompose/decomposition.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

at::Tensor scaled(const at::Tensor& x, const c10::Scalar& factor) { return factor.equal(1) ? x : at::mul(x, factor); }

/// As a product of matrices: torch has no shape function for others.
at::Tensor product(const at::Tensor& matrix, const at::Tensor& vector) {
  return at::squeeze(at::mm(matrix, at::unsqueeze(vector, 1)), 1);
}

/// As torch takes a factor: for whole numbers it is one.
c10::Scalar factor_for(const at::Tensor& x, const c10::Scalar& factor) {
  return at::isIntegralType(x.scalar_type(), false) ? c10::Scalar(factor.toLong()) : factor;
}

/// beta · self + alpha · product. A beta of 0 passes over self, NaN and all.
at::Tensor add_product(const Arguments& args, const at::Tensor& product) {
  const c10::Scalar beta = factor_for(product, args.number("beta"));
  const at::Tensor scaled_product = scaled(product, factor_for(product, args.number("alpha")));
  return beta.equal(0) ? scaled_product : at::add(scaled(args.tensor("self"), beta), scaled_product);
}

Tensors addcmul(const Arguments& args) {
  const at::Tensor product = at::mul(args.tensor("tensor1"), args.tensor("tensor2"));
  return {at::add(args.tensor("self"), scaled(product, args.number("value")))};
}

Tensors addcdiv(const Arguments& args) {
  const at::Tensor quotient = at::div(args.tensor("tensor1"), args.tensor("tensor2"));
  return {at::add(args.tensor("self"), scaled(quotient, args.number("value")))};
}

Tensors lerp(const Arguments& args) {
  const at::Tensor& start = args.tensor("self");
  const at::Tensor difference = at::sub(args.tensor("end"), start);
  const bool is_number = args.at("weight").isScalar();
  return {at::add(start,
                  is_number ? at::mul(difference, args.number("weight")) : at::mul(difference, args.tensor("weight")))};
}

Tensors baddbmm(const Arguments& args) {
  return {add_product(args, at::bmm(args.tensor("batch1"), args.tensor("batch2")))};
}

Tensors addbmm(const Arguments& args) {
  const at::Tensor products = at::bmm(args.tensor("batch1"), args.tensor("batch2"));
  return {add_product(args, at::sum(products, {0}, false, products.scalar_type()))};
}

Tensors addmv(const Arguments& args) { return {add_product(args, product(args.tensor("mat"), args.tensor("vec")))}; }

Tensors addr(const Arguments& args) {
  return {add_product(args, at::mul(at::unsqueeze(args.tensor("vec1"), 1), args.tensor("vec2")))};
}

Tensors mv(const Arguments& args) { return {product(args.tensor("self"), args.tensor("vec"))}; }

/// In the type of its operands, whole numbers too.
at::Tensor inner_product(const at::Tensor& a, const at::Tensor& b) { return at::sum(at::mul(a, b), a.scalar_type()); }

Tensors dot(const Arguments& args) { return {inner_product(args.tensor("self"), args.tensor("tensor"))}; }
Tensors vdot(const Arguments& args) { return {inner_product(args.tensor("self"), args.tensor("other"))}; }

/// Of each two rows, the first before the second.
Tensors pdist(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t rows = x.size(0);
  constexpr int64_t kMostRows = 1 << 10;
  if (rows > kMostRows) return stays("it has more rows than pairs are written for");
  if (rows < 2) return {at::zeros({0}, x.options())};
  const at::Tensor pairs = at::triu_indices(rows, rows, 1, x.options().dtype(at::kLong));
  const at::Tensor first = at::index_select(x, 0, at::select(pairs, 0, 0));
  const at::Tensor second = at::index_select(x, 0, at::select(pairs, 0, 1));
  return {at::linalg_vector_norm(at::sub(first, second), args.number("p"), at::IntArrayRef{1})};
}

// ---- functions of one number ----------------------------------------------------------------------

Tensors log2(const Arguments& args) { return {at::div(at::log(args.tensor("self")), std::numbers::ln2)}; }
Tensors log10(const Arguments& args) { return {at::div(at::log(args.tensor("self")), std::numbers::ln10)}; }
Tensors exp2(const Arguments& args) { return {at::exp(at::mul(args.tensor("self"), std::numbers::ln2))}; }

/// tanh(x/2) · (exp(x) + 1): exact where exp(x) − 1 loses every digit.
Tensors expm1(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  return {at::mul(at::tanh(at::div(x, 2)), at::add(at::exp(x), 1))};
}

Tensors erfc(const Arguments& args) { return {at::rsub(at::erf(args.tensor("self")), 1)}; }

/// sin(πx) / (πx), 1 at 0.
Tensors sinc(const Arguments& args) {
  const at::Tensor angle = at::mul(args.tensor("self"), std::numbers::pi);
  const at::Tensor zero = at::eq(angle, 0);
  return {at::where(zero, at::ones_like(angle), at::div(at::sin(angle), at::masked_fill(angle, zero, 1)))};
}

Tensors logit(const Arguments& args) {
  at::Tensor x = as_float(args.tensor("self"));
  if (args.is_given("eps")) {
    const double eps = args.number("eps").toDouble();
    x = at::clamp(x, eps, 1 - eps);
  }
  return {at::log(at::div(x, at::rsub(x, 1)))};
}

at::Tensor truncated(const at::Tensor& x) {
  if (!x.is_floating_point()) return at::clone(x);
  return at::where(at::lt(x, 0), at::ceil(x), at::floor(x));
}

/// Memory that is written before it is read: any numbers do, and zeros are the same each time.
Tensors empty(const Arguments& args) {
  at::TensorOptions options(at::kMeta);
  if (args.has("self")) options = args.tensor("self").options();
  if (const auto type = args.dtype("dtype")) options = options.dtype(*type);
  return {at::zeros(args.has("size") ? at::IntArrayRef(args.integers("size")) : args.tensor("self").sizes(), options)};
}

Tensors trunc(const Arguments& args) { return {truncated(args.tensor("self"))}; }
Tensors frac(const Arguments& args) { return {at::sub(args.tensor("self"), truncated(args.tensor("self")))}; }
Tensors deg2rad(const Arguments& args) { return {at::mul(args.tensor("self"), std::numbers::pi / 180)}; }
Tensors rad2deg(const Arguments& args) { return {at::mul(args.tensor("self"), 180 / std::numbers::pi)}; }
Tensors sgn(const Arguments& args) { return {at::sign(args.tensor("self"))}; }

/// A truth value is its own sign.
Tensors sign(const Arguments& args) {
  if (args.tensor("self").scalar_type() != at::kBool) return stays("it is one operator of the file");
  return {at::clone(args.tensor("self"))};
}

/// The inverse of −0 is −∞, and that of −∞ is −0.
at::Tensor is_negative(const at::Tensor& x) {
  const at::Tensor below = at::lt(x, 0);
  return x.is_floating_point() ? at::logical_or(below, at::lt(at::reciprocal(x), 0)) : below;
}

Tensors signbit(const Arguments& args) { return {is_negative(args.tensor("self"))}; }

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Integers are neither: a comparison with a float says so.
Tensors isposinf(const Arguments& args) { return {at::eq(args.tensor("self"), kInfinity)}; }
Tensors isneginf(const Arguments& args) { return {at::eq(args.tensor("self"), -kInfinity)}; }
Tensors isfinite(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (!x.is_floating_point()) return {at::ones_like(x, x.options().dtype(at::kBool))};
  return {at::lt(at::abs(x), kInfinity)};
}

Tensors nan_to_num(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (!x.is_floating_point()) return {at::clone(x)};
  const bool half = x.scalar_type() == at::kHalf;
  const bool wide = x.scalar_type() == at::kDouble;
  const double most = half ? 65504.0 : wide ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  const auto or_else = [&](std::string_view name, double fallback) {
    return args.is_given(name) ? args.number(name).toDouble() : fallback;
  };
  const at::Tensor finite = at::masked_fill(x, at::isnan(x), or_else("nan", 0));
  const at::Tensor below = at::masked_fill(finite, at::eq(x, kInfinity), or_else("posinf", most));
  return {at::masked_fill(below, at::eq(x, -kInfinity), or_else("neginf", -most))};
}

/// Whole numbers are what they would be rounded to.
Tensors of_whole_number(const Arguments& args) {
  if (args.tensor("self").is_floating_point()) return stays("it is one operator of the file");
  return {at::clone(args.tensor("self"))};
}

Tensors round_decimals(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t decimals = args.integer("decimals");
  if (!x.is_floating_point()) return {at::clone(x)};
  const double factor = std::pow(10, std::abs(static_cast<double>(decimals)));
  if (decimals >= 0) return {at::div(at::round(at::mul(x, factor)), factor)};
  return {at::mul(at::round(at::div(x, factor)), factor)};
}

Tensors relu(const Arguments& args) {
  if (args.tensor("self").is_floating_point()) return stays("it is a module");
  return {at::clamp_min(args.tensor("self"), 0)};
}

Tensors relu6(const Arguments& args) {
  if (args.tensor("self").is_floating_point()) return stays("it is a module");
  return {at::clamp(args.tensor("self"), 0, 6)};
}

Tensors hardshrink(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  return {at::masked_fill(x, at::le(at::abs(x), args.number("lambd")), 0)};
}

/// x − clamp(x, −λ, λ).
Tensors softshrink(const Arguments& args) {
  const double bound = args.number("lambd").toDouble();
  return {at::sub(args.tensor("self"), at::clamp(args.tensor("self"), -bound, bound))};
}

Tensors threshold(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  return {at::masked_fill(x, at::le(x, args.number("threshold")), args.number("value"))};
}

/// In evaluation: the slope in the middle.
Tensors rrelu(const Arguments& args) {
  if (args.flag("training")) return stays("it draws random numbers");
  const double slope = (args.number("lower").toDouble() + args.number("upper").toDouble()) / 2;
  return {at::leaky_relu(args.tensor("self"), slope)};
}

/// Only where its threshold shows: above 20, both branches are the same number.
Tensors softplus(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (args.number("threshold").toDouble() >= 20) return stays("it is one operator of the file");
  const at::Tensor soft = at::softplus(x, args.number("beta"), 20);
  return {at::where(at::gt(scaled(x, args.number("beta")), args.number("threshold")), x, soft)};
}

// ---- functions of two ------------------------------------------------------------------------------

/// An operand, or as many of a number as the other has.
at::Tensor tensor_or_number(const Arguments& args, std::string_view name, std::string_view like) {
  return args.at(name).isTensor() ? args.tensor(name) : at::full_like(args.tensor(like), args.number(name));
}

/// The greater · √(1 + ratio²), which does not overflow on the way.
Tensors hypot(const Arguments& args) {
  const at::Tensor a = at::abs(args.tensor("self")), b = at::abs(args.tensor("other"));
  const at::Tensor most = at::maximum(a, b);
  const at::Tensor ratio = at::div(at::minimum(a, b), at::masked_fill(most, at::eq(most, 0), 1));
  const at::Tensor value = at::mul(most, at::sqrt(at::add(at::square(ratio), 1)));
  const at::Tensor infinite = at::logical_or(at::eq(a, kInfinity), at::eq(b, kInfinity));
  return {at::masked_fill(value, infinite, kInfinity)};
}

/// max + log(1 + exp(−|difference|)); two equal infinities have no difference.
Tensors logaddexp(const Arguments& args) {
  const at::Tensor &a = args.tensor("self"), &b = args.tensor("other");
  const at::Tensor most = at::maximum(a, b);
  const at::Tensor raised = at::log1p(at::exp(at::neg(at::abs(at::sub(a, b)))));
  const at::Tensor same = at::logical_and(at::eq(a, b), at::eq(at::abs(a), kInfinity));
  return {at::where(same, a, at::add(most, raised))};
}

Tensors logaddexp2(const Arguments& args) {
  const at::Tensor a = at::mul(args.tensor("self"), std::numbers::ln2);
  const at::Tensor b = at::mul(args.tensor("other"), std::numbers::ln2);
  return {at::div(at::logaddexp(a, b), std::numbers::ln2)};
}

Tensors copysign(const Arguments& args) {
  const at::Tensor size = at::abs(as_float(args.tensor("self")));
  const at::Tensor negative = args.at("other").isScalar()
                                  ? at::full_like(size, args.number("other").toDouble() < 0, at::kBool)
                                  : is_negative(args.tensor("other"));
  return {at::where(negative, at::neg(size), size)};
}

Tensors heaviside(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  return {at::where(at::eq(x, 0), args.tensor("values"), at::gt(x, 0).to(x.scalar_type()))};
}

/// The angle of (x, y): atan of the quotient, turned by π to the left of the y axis.
Tensors atan2(const Arguments& args) {
  const at::Tensor y = as_float(args.tensor("self")), x = as_float(args.tensor("other"));
  const at::Tensor angle = at::atan(at::div(y, x));
  const at::Tensor turn =
      at::where(at::lt(y, 0), at::full_like(y, -std::numbers::pi), at::full_like(y, std::numbers::pi));
  const at::Tensor turned = at::where(at::lt(x, 0), at::add(angle, turn), angle);
  const at::Tensor upright = at::mul(at::sign(y), std::numbers::pi / 2);
  return {at::where(at::eq(x, 0), upright, turned)};
}

Tensors xlogy(const Arguments& args) {
  const at::Tensor x = tensor_or_number(args, "self", "other"), y = tensor_or_number(args, "other", "self");
  const at::Tensor product = at::mul(x, at::log(y));
  const at::Tensor zero = at::logical_and(at::eq(x, 0), at::logical_not(at::isnan(y)));
  return {at::masked_fill(product, zero, 0)};
}

Tensors fmax(const Arguments& args) {
  const at::Tensor &a = args.tensor("self"), &b = args.tensor("other");
  return {at::where(at::isnan(a), b, at::where(at::isnan(b), a, at::maximum(a, b)))};
}

Tensors fmin(const Arguments& args) {
  const at::Tensor &a = args.tensor("self"), &b = args.tensor("other");
  return {at::where(at::isnan(a), b, at::where(at::isnan(b), a, at::minimum(a, b)))};
}

Tensors rsub(const Arguments& args) {
  return {at::sub(args.tensor("other"), scaled(args.tensor("self"), args.number("alpha")))};
}

/// Of truth values: either, or both.
Tensors maximum(const Arguments& args) {
  const at::Tensor &a = args.tensor("self"), &b = args.tensor("other");
  if (a.scalar_type() != at::kBool || b.scalar_type() != at::kBool) return stays("it is one operator of the file");
  return {at::logical_or(a, b)};
}

Tensors minimum(const Arguments& args) {
  const at::Tensor &a = args.tensor("self"), &b = args.tensor("other");
  if (a.scalar_type() != at::kBool || b.scalar_type() != at::kBool) return stays("it is one operator of the file");
  return {at::logical_and(a, b)};
}

Tensors clamp(const Arguments& args) {
  at::Tensor x = args.tensor("self");
  if (const at::Tensor least = args.optional_tensor("min"); least.defined()) x = at::maximum(x, least);
  if (const at::Tensor most = args.optional_tensor("max"); most.defined()) x = at::minimum(x, most);
  return {x};
}

Tensors clamp_min(const Arguments& args) { return {at::maximum(args.tensor("self"), args.tensor("min"))}; }
Tensors clamp_max(const Arguments& args) { return {at::minimum(args.tensor("self"), args.tensor("max"))}; }

Tensors masked_fill(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  return {at::where(args.tensor("mask"), args.tensor("value").to(x.scalar_type()), x)};
}

bool is_whole(const at::Tensor& tensor) { return !tensor.is_floating_point(); }

/// Rounded towards −∞, with whole numbers by what the quotient leaves: it has the divisor's sign.
template <class Other>
at::Tensor floor_quotient(const at::Tensor& x, const Other& other) {
  const bool whole = is_whole(at::result_type(x, other) == at::kBool ? x : at::add(x, other));
  if (!whole) return at::floor(at::div(x, other));
  return at::div(at::sub(x, at::remainder(x, other)), other, "trunc");
}

template <class Other>
Tensors quotient(const at::Tensor& x, const Other& other, const c10::IValue& mode) {
  if (mode.isNone()) return {at::div(x, other)};
  if (mode.toStringRef() == "floor") return {floor_quotient(x, other)};
  if (is_whole(at::add(x, other))) return stays("it is one operator of the file");
  return {truncated(at::div(x, other))};
}

Tensors divide(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (args.at("other").isScalar()) return quotient(x, args.number("other"), args.at("rounding_mode"));
  return quotient(x, args.tensor("other"), args.at("rounding_mode"));
}

Tensors floor_divide(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (args.at("other").isScalar()) return {floor_quotient(x, args.number("other"))};
  return {floor_quotient(x, args.tensor("other"))};
}

Tensors left_shift(const Arguments& args) {
  return {at::mul(tensor_or_number(args, "self", "other"), at::pow(2, tensor_or_number(args, "other", "self")))};
}

Tensors right_shift(const Arguments& args) {
  const at::Tensor x = tensor_or_number(args, "self", "other");
  return {floor_quotient(x, at::pow(2, tensor_or_number(args, "other", "self")))};
}

/// Σ over i and j of x1[i] · weight[o, i, j] · x2[j].
Tensors bilinear(const Arguments& args) {
  const at::Tensor &x1 = args.tensor("input1"), &x2 = args.tensor("input2"), &weight = args.tensor("weight");
  const at::Tensor left = at::matmul(at::unsqueeze(at::unsqueeze(x1, -2), -2), weight);
  const at::Tensor value =
      at::sum(at::mul(at::squeeze(left, -2), at::unsqueeze(x2, -2)), {-1}, false, x1.scalar_type());
  const at::Tensor bias = args.optional_tensor("bias");
  return {bias.defined() ? at::add(value, bias) : value};
}

/// Steps of one width from start on, and back from end in the second half, as torch takes them. The bounds may be
/// tensors of one number.
Tensors linspace(const Arguments& args) {
  const int64_t steps = args.integer("steps");
  const auto type = args.dtype("dtype").value_or(at::kFloat);
  const bool whole = at::isIntegralType(type, true);
  const auto options = at::TensorOptions(whole ? at::kDouble : at::kFloat).device(at::kMeta);
  const auto bound = [&](std::string_view name) {
    const at::Tensor number = args.at(name).isTensor() ? args.tensor(name) : at::full({}, args.number(name), options);
    return (whole ? number.to(type) : number).to(options.dtype());
  };
  const at::Tensor start = bound("start"), end = bound("end");
  const at::Tensor width = steps > 1 ? at::div(at::sub(end, start), steps - 1) : at::sub(end, end);
  const at::Tensor order = at::arange(steps, options);
  if (steps < 2) return {at::add(at::mul(order, width), start).to(type)};
  const at::Tensor rest = at::arange(steps - 1, -1, -1, options);
  const at::Tensor value = at::where(at::lt(order, static_cast<double>(steps / 2)),
                                     at::add(at::mul(order, width), start), at::sub(end, at::mul(rest, width)));
  return {value.scalar_type() == type ? value : value.to(type)};
}

/// Three-dimensional vectors: what stands one and two places further on, around.
Tensors cross(const Arguments& args) {
  const at::Tensor &a = args.tensor("self"), &b = args.tensor("other");
  const int64_t dim = args.integer("dim");
  const auto turned = [&](const at::Tensor& vector, int64_t places) { return at::roll(vector, {-places}, {dim}); };
  return {at::sub(at::mul(turned(a, 1), turned(b, 2)), at::mul(turned(a, 2), turned(b, 1)))};
}

}  // namespace

Decompositions arithmetic_decompositions() {
  return {{"aten.addcmul.default", addcmul},
          {"aten.addcdiv.default", addcdiv},
          {"aten.lerp.Scalar", lerp},
          {"aten.lerp.Tensor", lerp},
          {"aten.baddbmm.default", baddbmm},
          {"aten.addbmm.default", addbmm},
          {"aten.addmv.default", addmv},
          {"aten.addr.default", addr},
          {"aten.mv.default", mv},
          {"aten.dot.default", dot},
          {"aten.vdot.default", vdot},
          {"aten.pdist.default", pdist},
          {"aten.log2.default", log2},
          {"aten.log10.default", log10},
          {"aten.exp2.default", exp2},
          {"aten.expm1.default", expm1},
          {"aten.erfc.default", erfc},
          {"aten.sinc.default", sinc},
          {"aten.logit.default", logit},
          {"aten.special_logit.default", logit},
          {"aten.empty.memory_format", empty},
          {"aten.empty_like.default", empty},
          {"aten.empty_permuted.default", empty},
          {"aten.new_empty.default", empty},
          {"aten.trunc.default", trunc},
          {"aten.frac.default", frac},
          {"aten.deg2rad.default", deg2rad},
          {"aten.rad2deg.default", rad2deg},
          {"aten.sgn.default", sgn},
          {"aten.sign.default", sign},
          {"aten.signbit.default", signbit},
          {"aten.isposinf.default", isposinf},
          {"aten.isneginf.default", isneginf},
          {"aten.isfinite.default", isfinite},
          {"aten.nan_to_num.default", nan_to_num},
          {"aten.ceil.default", of_whole_number},
          {"aten.floor.default", of_whole_number},
          {"aten.round.default", of_whole_number},
          {"aten.round.decimals", round_decimals},
          {"aten.relu.default", relu},
          {"aten.relu6.default", relu6},
          {"aten.bilinear.default", bilinear},
          {"aten.linspace.Tensor_Tensor", linspace},
          {"aten.linspace.Tensor_Scalar", linspace},
          {"aten.linspace.Scalar_Tensor", linspace},
          {"aten.hardshrink.default", hardshrink},
          {"aten.softshrink.default", softshrink},
          {"aten.threshold.default", threshold},
          {"aten.rrelu.default", rrelu},
          {"aten.softplus.default", softplus},
          {"aten.hypot.default", hypot},
          {"aten.logaddexp.default", logaddexp},
          {"aten.logaddexp2.default", logaddexp2},
          {"aten.copysign.Tensor", copysign},
          {"aten.copysign.Scalar", copysign},
          {"aten.heaviside.default", heaviside},
          {"aten.atan2.default", atan2},
          {"aten.xlogy.Tensor", xlogy},
          {"aten.xlogy.Scalar_Self", xlogy},
          {"aten.xlogy.Scalar_Other", xlogy},
          {"aten.fmax.default", fmax},
          {"aten.fmin.default", fmin},
          {"aten.maximum.default", maximum},
          {"aten.minimum.default", minimum},
          {"aten.max.other", maximum},
          {"aten.min.other", minimum},
          {"aten.rsub.Tensor", rsub},
          {"aten.clamp.Tensor", clamp},
          {"aten.clamp_min.Tensor", clamp_min},
          {"aten.clamp_max.Tensor", clamp_max},
          {"aten.masked_fill.Tensor", masked_fill},
          {"aten.div.Tensor_mode", divide},
          {"aten.div.Scalar_mode", divide},
          {"aten.floor_divide.default", floor_divide},
          {"aten.floor_divide.Scalar", floor_divide},
          {"aten.bitwise_left_shift.Tensor", left_shift},
          {"aten.bitwise_left_shift.Tensor_Scalar", left_shift},
          {"aten.bitwise_left_shift.Scalar_Tensor", left_shift},
          {"aten.bitwise_right_shift.Tensor", right_shift},
          {"aten.bitwise_right_shift.Tensor_Scalar", right_shift},
          {"aten.bitwise_right_shift.Scalar_Tensor", right_shift},
          {"aten.__lshift__.Tensor", left_shift},
          {"aten.__lshift__.Scalar", left_shift},
          {"aten.__rshift__.Tensor", right_shift},
          {"aten.__rshift__.Scalar", right_shift},
          {"aten.linalg_cross.default", cross}};
}

}  // namespace graftwork::core::captured
