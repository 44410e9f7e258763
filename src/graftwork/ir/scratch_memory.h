// What a layer takes while it runs, beside its result.
#pragma once

#include <functional>
#include <span>

#include "graftwork/ir/attribute.h"
#include "graftwork/ir/type.h"

namespace graftwork::core {

/// Bytes that torch's kernel of this operator, or kind of a module, takes on the CPU beside its operands and its
/// result, to a third; 0 for what computes in place of its result. Measured, with PyTorch 2: a kernel may change.
/// `attribute`: of the call, null where it has none of the name.
int64_t scratch_bytes(Symbol op, std::span<const Type> operands, const Type& result,
                      const std::function<const Attribute*(Symbol)>& attribute);

}  // namespace graftwork::core
