// Complex numbers as their real and imaginary parts, and what is computed with both.
#pragma once

#include <ATen/ATen.h>

#include <utility>

namespace graftwork::core::captured {

/// Real and imaginary part; the latter undefined where the numbers are real.
using Parts = std::pair<at::Tensor, at::Tensor>;

/// A product of real tensors that is linear in both.
using RealProduct = at::Tensor (*)(const at::Tensor&, const at::Tensor&);

/// a · b, element by element or as `multiply` says. One of the two at least is complex.
Parts product(const Parts& a, const Parts& b);
Parts product(const Parts& a, const Parts& b, RealProduct multiply);

/// a / b, of which b is complex. Nothing on the way is larger than twice the quotient, or smaller than it need be.
Parts quotient(const Parts& a, const Parts& b);

/// |z|, without squares of the parts.
at::Tensor size_of(const Parts& z);

/// z / |z|, 0 at 0.
Parts direction(const Parts& z);

}  // namespace graftwork::core::captured
