// The add of a skip connection.
#pragma once

#include "graftwork/match/pat.h"

namespace graftwork {

/// trunk + residual, in either order: two different tensors of one shape and type (rule F3: no
/// broadcast), not scaled. Where both operands could be the trunk, the deeper one is (rule F4).
Pat residual_add(const Pat& trunk, const Pat& residual);

}  // namespace graftwork
