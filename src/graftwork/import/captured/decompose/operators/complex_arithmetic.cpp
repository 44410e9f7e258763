// Arithmetic on complex numbers, as arithmetic on pairs of real ones.
#include <ATen/record_function.h>

#include <cmath>
#include <numbers>

#include "graftwork/import/captured/decompose/complex_parts.h"
#include "graftwork/import/captured/decompose/pairs.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

at::Tensor joined(const Parts& parts) { return make_pairs(parts.first, parts.second); }

at::Tensor angle_of(const Parts& z) { return at::atan2(z.second, z.first); }

at::Tensor polar_pairs(const at::Tensor& size, const at::Tensor& angle) {
  return make_pairs(at::mul(size, at::cos(angle)), at::mul(size, at::sin(angle)));
}

/// (1, −1): a product with it is the conjugate.
at::Tensor conjugated(const at::Tensor& pairs) {
  return at::mul(pairs, at::add(at::mul(at::arange(2, pairs.options()), -2), 1));
}

/// A real operand in front of pairs that it is multiplied with.
at::Tensor beside_pairs(const at::Tensor& real) { return at::unsqueeze(real, -1); }

at::Tensor element_product(const PairArguments& args, const at::Tensor& a, const at::Tensor& b) {
  if (!args.is_complex(a)) return at::mul(beside_pairs(a), b);
  if (!args.is_complex(b)) return at::mul(a, beside_pairs(b));
  return joined(product(args.parts(a), args.parts(b)));
}

/// Whether the argument is a number that is known now, or one that stands for a tensor.
bool is_number(const PairArguments& args, std::string_view name) {
  return args.at(name).isScalar() || args.tensor(name).unsafeGetTensorImpl()->is_wrapped_number();
}

c10::Scalar number(const PairArguments& args, std::string_view name) {
  const at::RecordFunctionGuard unrecorded(false);
  return args.at(name).isScalar() ? args.number(name) : args.tensor(name).item();
}

Tensors mul(const PairArguments& args) {
  if (is_number(args, "other")) return {at::mul(args.pairs("self"), number(args, "other"))};
  return {element_product(args, args.tensor("self"), args.tensor("other"))};
}

Tensors div(const PairArguments& args) {
  if (args.has("rounding_mode") && args.is_given("rounding_mode")) return stays("it rounds");
  if (is_number(args, "other")) return {at::div(args.pairs("self"), number(args, "other"))};
  const at::Tensor &a = args.tensor("self"), &b = args.tensor("other");
  if (!args.is_complex(b)) return {at::div(a, beside_pairs(b))};
  return {joined(quotient(args.parts(a), args.parts(b)))};
}

Tensors reciprocal(const PairArguments& args) {
  const Parts z = args.parts("self");
  return {joined(quotient({at::ones_like(z.first), at::Tensor()}, z))};
}

/// self ± alpha · other.
Tensors sum(const PairArguments& args, double sign) {
  const c10::Scalar alpha = args.number("alpha");
  const double factor = sign * alpha.toDouble();
  if (is_number(args, "other")) {
    const Parts z = args.parts("self");
    return {make_pairs(at::add(z.first, number(args, "other").toDouble() * factor), z.second)};
  }
  const at::Tensor a = args.pairs("self"), b = args.pairs("other");
  if (factor == 1) return {at::add(a, b)};
  return {factor == -1 ? at::sub(a, b) : at::add(a, at::mul(b, factor))};
}

Tensors add(const PairArguments& args) { return sum(args, 1); }
Tensors sub(const PairArguments& args) { return sum(args, -1); }

Tensors rsub(const PairArguments& args) {
  if (!args.number("alpha").equal(1)) return stays("it scales an operand");
  if (!is_number(args, "other")) return {at::sub(args.pairs("other"), args.pairs("self"))};
  const Parts z = args.parts("self");
  return {make_pairs(at::rsub(z.first, number(args, "other")), at::neg(z.second))};
}

at::Tensor squared(const Parts& z) {
  const at::Tensor product = at::mul(z.first, z.second);
  return make_pairs(at::sub(at::mul(z.first, z.first), at::mul(z.second, z.second)), at::add(product, product));
}

Tensors square(const PairArguments& args) { return {squared(args.parts("self"))}; }

/// A small whole power is a product, and any other real one goes by the angle.
Tensors pow(const PairArguments& args) {
  if (!args.is_complex("self") || !args.at("exponent").isScalar()) return stays("its exponent is no number");
  const Parts z = args.parts("self");
  const double exponent = args.number("exponent").toDouble();
  if (exponent == 1) return {at::clone(args.tensor("self"))};
  if (exponent == 2) return {squared(z)};
  if (exponent == -1) return reciprocal(args);
  return {polar_pairs(at::pow(size_of(z), exponent), at::mul(angle_of(z), exponent))};
}

Tensors exp(const PairArguments& args) {
  const Parts z = args.parts("self");
  return {polar_pairs(at::exp(z.first), z.second)};
}

Tensors log(const PairArguments& args) {
  const Parts z = args.parts("self");
  return {make_pairs(at::log(size_of(z)), angle_of(z))};
}

Tensors sqrt(const PairArguments& args) {
  const Parts z = args.parts("self");
  return {polar_pairs(at::sqrt(size_of(z)), at::div(angle_of(z), 2))};
}

Tensors sgn(const PairArguments& args) { return {joined(direction(args.parts("self")))}; }

Tensors abs(const PairArguments& args) { return {size_of(args.parts("self"))}; }

Tensors angle(const PairArguments& args) {
  if (args.is_complex("self")) return {angle_of(args.parts("self"))};
  const at::Tensor& x = args.tensor("self");
  const at::Tensor real = x.is_floating_point() ? x : x.to(at::kFloat);
  const at::Tensor turned = at::mul(at::lt(real, 0).to(real.scalar_type()), std::numbers::pi);
  return {at::where(at::isnan(real), real, turned)};
}

Tensors polar(const PairArguments& args) { return {polar_pairs(args.tensor("abs"), args.tensor("angle"))}; }

Tensors complex(const PairArguments& args) {
  const at::Tensor &real = args.tensor("real"), &imaginary = args.tensor("imag");
  if (real.sizes() == imaginary.sizes()) return {make_pairs(real, imaginary)};
  const Tensors both = at::broadcast_tensors({real, imaginary});
  return {make_pairs(both[0], both[1])};
}

Tensors real(const PairArguments& args) { return {args.parts("self").first}; }
Tensors imag(const PairArguments& args) { return {args.parts("self").second}; }
Tensors same(const PairArguments& args) { return {args.tensor("self")}; }
Tensors as_other(const PairArguments& args) { return {at::alias(args.tensor("self"))}; }

Tensors conj(const PairArguments& args) {
  return {args.is_complex("self") ? conjugated(args.tensor("self")) : args.tensor("self")};
}

/// A view of the negative: of a number that was taken out of a conjugate.
Tensors negative(const PairArguments& args) { return {at::neg(args.tensor("self"))}; }

Tensors convert(const PairArguments& args) {
  const at::Tensor& x = args.tensor("self");
  const auto given = args.has("dtype") ? args.dtype("dtype") : std::nullopt;
  const auto converted = [&](const at::Tensor& part) { return given ? part.to(*given) : at::clone(part); };
  if (!args.gives_complex() && given == at::kBool) {
    const auto [re, im] = args.parts(x);
    return {at::logical_or(at::ne(re, 0), at::ne(im, 0))};
  }
  if (!args.gives_complex()) return {converted(args.parts(x).first)};
  if (args.is_complex(x)) return {converted(x)};
  const at::Tensor real = converted(x);
  return {make_pairs(real, at::zeros_like(real))};
}

/// Whole numbers that are complex by their type alone.
Tensors filled(const PairArguments& args, const at::Tensor& real) {
  return {args.gives_complex() ? make_pairs(real, at::zeros_like(real)) : real};
}

at::TensorOptions options_of(const PairArguments& args) {
  return at::TensorOptions(args.dtype("dtype").value_or(at::kFloat)).device(at::kMeta);
}

Tensors scalar_tensor(const PairArguments& args) {
  return filled(args, at::full({}, args.number("s"), options_of(args)));
}

Tensors ones(const PairArguments& args) { return filled(args, at::ones(args.integers("size"), options_of(args))); }

Tensors full(const PairArguments& args) {
  return filled(args, at::full(args.integers("size"), args.number("fill_value"), options_of(args)));
}

Tensors ones_like(const PairArguments& args) { return filled(args, at::ones_like(args.parts("self").first)); }

// ---- choosing and joining ------------------------------------------------------------------------

Tensors where(const PairArguments& args) {
  return {at::where(beside_pairs(args.tensor("condition")), args.pairs("self"), args.pairs("other"))};
}

Tensors masked_fill(const PairArguments& args) {
  const at::Tensor& mask = args.tensor("mask");
  if (args.is_complex("value")) return {at::where(beside_pairs(mask), args.pairs("value"), args.tensor("self"))};
  if (!is_number(args, "value")) return stays("it fills with a tensor");
  const Parts z = args.parts("self");
  return {make_pairs(at::masked_fill(z.first, mask, number(args, "value")), at::masked_fill(z.second, mask, 0))};
}

Tensors pairs_in(const PairArguments& args) {
  Tensors all = args.tensors("tensors");
  if (all.empty()) leave_as_it_is("it joins nothing");
  for (at::Tensor& tensor : all) tensor = args.pairs(tensor);
  return all;
}

Tensors cat(const PairArguments& args) {
  const Tensors all = pairs_in(args);
  return {at::cat(all, at::maybe_wrap_dim(args.integer("dim"), all[0].dim() - 1))};
}

Tensors stack(const PairArguments& args) {
  const Tensors all = pairs_in(args);
  return {at::stack(all, at::maybe_wrap_dim(args.integer("dim"), all[0].dim()))};
}

/// Real and imaginary parts by themselves: borders that mirror know how many dimensions there are.
Tensors pad(const PairArguments& args) {
  const Parts z = args.parts("self");
  const std::vector<int64_t> pad = args.integers("pad");
  const std::string mode = args.text("mode");
  if (mode != "constant") return {make_pairs(at::pad(z.first, pad, mode), at::pad(z.second, pad, mode))};
  const double value = args.is_given("value") ? args.number("value").toDouble() : 0;
  return {make_pairs(at::constant_pad_nd(z.first, pad, value), at::constant_pad_nd(z.second, pad, 0))};
}

Tensors unfold(const PairArguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t dim = at::maybe_wrap_dim(args.integer("dimension"), x.dim() - 1);
  return {at::transpose(x.unfold(dim, args.integer("size"), args.integer("step")), -1, -2)};
}

Tensors gather(const PairArguments& args) {
  const at::Tensor index = beside_pairs(args.tensor("index")), &x = args.tensor("self");
  return {at::gather(x, at::maybe_wrap_dim(args.integer("dim"), x.dim() - 1), at::cat({index, index}, -1))};
}

Tensors diagonal(const PairArguments& args) {
  const at::Tensor& x = args.tensor("self");
  const int64_t rank = x.dim() - 1;
  const int64_t dim1 = at::maybe_wrap_dim(args.integer("dim1"), rank),
                dim2 = at::maybe_wrap_dim(args.integer("dim2"), rank);
  return {at::transpose(at::diagonal(x, args.integer("offset"), dim1, dim2), -1, -2)};
}

Tensors tril(const PairArguments& args) {
  const Parts z = args.parts("self");
  return {make_pairs(at::tril(z.first, args.integer("diagonal")), at::tril(z.second, args.integer("diagonal")))};
}

Tensors triu(const PairArguments& args) {
  const Parts z = args.parts("self");
  return {make_pairs(at::triu(z.first, args.integer("diagonal")), at::triu(z.second, args.integer("diagonal")))};
}

// ---- products of matrices ------------------------------------------------------------------------

at::Tensor matrix_product(const at::Tensor& a, const at::Tensor& b) { return at::matmul(a, b); }

Tensors mm(const PairArguments& args) {
  return {joined(product(args.parts("self"), args.parts("mat2"), matrix_product))};
}

Tensors matmul(const PairArguments& args) {
  return {joined(product(args.parts("self"), args.parts("other"), matrix_product))};
}

Tensors linear(const PairArguments& args) {
  const auto multiply = [](const at::Tensor& x, const at::Tensor& weight) {
    return at::matmul(x, at::transpose(weight, 0, 1));
  };
  const at::Tensor value = joined(product(args.parts("input"), args.parts("weight"), multiply));
  return {args.optional_tensor("bias").defined() ? at::add(value, args.pairs("bias")) : value};
}

Tensors addmm(const PairArguments& args) {
  if (!args.number("beta").equal(1) || !args.number("alpha").equal(1)) return stays("it scales an operand");
  return {at::add(args.pairs("self"), joined(product(args.parts("mat1"), args.parts("mat2"), matrix_product)))};
}

Tensors dot(const PairArguments& args) {
  return {at::sum(element_product(args, args.tensor("self"), args.tensor("tensor")), {0})};
}

Tensors vdot(const PairArguments& args) {
  const at::Tensor self = conjugated(args.pairs("self"));
  const Parts value = product({real_part(self), imaginary_part(self)}, args.parts(args.pairs("other")));
  return {at::sum(joined(value), {0})};
}

/// Of complex numbers a norm is that of their sizes.
Tensors vector_norm(const PairArguments& args) {
  const auto dims = args.is_given("dim") ? std::optional(args.integers("dim")) : std::nullopt;
  const at::OptionalIntArrayRef over = dims ? at::OptionalIntArrayRef(*dims) : at::OptionalIntArrayRef();
  return {at::linalg_vector_norm(size_of(args.parts("self")), args.number("ord"), over, args.flag("keepdim"))};
}

}  // namespace

std::vector<PairFormEntry> pair_arithmetic() {
  return {{"mul", mul},
          {"multiply", mul},
          {"div", div},
          {"divide", div},
          {"true_divide", div},
          {"add", add},
          {"sub", sub},
          {"subtract", sub},
          {"rsub", rsub},
          {"reciprocal", reciprocal},
          {"square", square},
          {"pow", pow},
          {"exp", exp},
          {"log", log},
          {"sqrt", sqrt},
          {"sgn", sgn},
          {"abs", abs},
          {"absolute", abs},
          {"angle", angle},
          {"polar", polar},
          {"complex", complex},
          {"real", real},
          {"imag", imag},
          {"view_as_real", as_other},
          {"view_as_complex", as_other},
          {"resolve_conj", same},
          {"resolve_neg", same},
          {"conj", conj},
          {"_conj", conj},
          {"conj_physical", conj},
          {"_neg_view", negative},
          {"to", convert},
          {"_to_copy", convert},
          {"scalar_tensor", scalar_tensor},
          {"ones", ones},
          {"full", full},
          {"ones_like", ones_like},
          {"where", where},
          {"masked_fill", masked_fill},
          {"cat", cat},
          {"stack", stack},
          {"pad", pad},
          {"unfold", unfold},
          {"gather", gather},
          {"diagonal", diagonal},
          {"tril", tril},
          {"triu", triu},
          {"mm", mm},
          {"bmm", mm},
          {"matmul", matmul},
          {"linear", linear},
          {"addmm", addmm},
          {"dot", dot},
          {"vdot", vdot},
          {"linalg_vector_norm", vector_norm}};
}

}  // namespace graftwork::core::captured
