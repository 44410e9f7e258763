// What spelled-out activations are made of: sums and products with a number.
#pragma once

#include "graftwork/match/pat.h"

namespace graftwork {

/// x · factor, or x divided by its reciprocal.
Pat times(const Pat& x, double factor);
/// x + summand.
Pat plus(const Pat& x, double summand);
/// a · b in either order.
Pat product(const Pat& a, const Pat& b);
/// a · b · factor, in whatever order the three are multiplied.
Pat scaled_product(const Pat& a, const Pat& b, double factor);
/// The values of x between low and high, as torch spells it: clamp, hardtanh, ReLU6.
Pat clipped(const Pat& x, double low, double high);

}  // namespace graftwork
