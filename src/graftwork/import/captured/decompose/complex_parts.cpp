#include "graftwork/import/captured/decompose/complex_parts.h"

namespace graftwork::core::captured {
namespace {

/// The number by its greater part, which is ±1 then, and what it was divided by: 1 at 0.
struct Scaled {
  Parts number;
  at::Tensor by;
};

Scaled scaled(const Parts& z) {
  const at::Tensor most = at::maximum(at::abs(z.first), at::abs(z.second));
  const at::Tensor by = at::masked_fill(most, at::eq(most, 0), 1);
  return {{at::div(z.first, by), at::div(z.second, by)}, by};
}

at::Tensor squared_size(const Parts& z) { return at::add(at::square(z.first), at::square(z.second)); }

}  // namespace

Parts product(const Parts& a, const Parts& b, RealProduct multiply) {
  if (!b.second.defined()) return {multiply(a.first, b.first), multiply(a.second, b.first)};
  if (!a.second.defined()) return {multiply(a.first, b.first), multiply(a.first, b.second)};
  return {at::sub(multiply(a.first, b.first), multiply(a.second, b.second)),
          at::add(multiply(a.first, b.second), multiply(a.second, b.first))};
}

Parts product(const Parts& a, const Parts& b) {
  return product(a, b, [](const at::Tensor& x, const at::Tensor& y) { return at::mul(x, y); });
}

/// a · conj(b) / |b|², both divided by the greater part of b first.
Parts quotient(const Parts& a, const Parts& b) {
  const Scaled divisor = scaled(b);
  const Parts dividend{at::div(a.first, divisor.by), a.second.defined() ? at::div(a.second, divisor.by) : at::Tensor()};
  const at::Tensor size = squared_size(divisor.number);
  const Parts value = product(dividend, {divisor.number.first, at::neg(divisor.number.second)});
  return {at::div(value.first, size), at::div(value.second, size)};
}

at::Tensor size_of(const Parts& z) { return at::hypot(z.first, z.second); }

Parts direction(const Parts& z) {
  const Parts number = scaled(z).number;
  const at::Tensor size = at::sqrt(squared_size(number));
  const at::Tensor divisor = at::masked_fill(size, at::eq(size, 0), 1);
  return {at::div(number.first, divisor), at::div(number.second, divisor)};
}

}  // namespace graftwork::core::captured
