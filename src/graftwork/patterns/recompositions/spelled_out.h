// Spelled-out activations: what they are made of, sums and products with a number, and what they become.
#pragma once

#include "graftwork/match/pat.h"
#include "graftwork/rewrite/pattern.h"

namespace graftwork::core {

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

/// Replaces `last`, the last operator of the activation, by a module of `kind` on `x`.
Outcome raise_spelled_out(Graft& graft, Node& last, Node& x, Symbol kind, AttrMap attrs = {});

}  // namespace graftwork::core
