// Masks that are known while the graph is built, and hide nothing.
#pragma once

#include <optional>
#include <vector>

#include "graftwork/import/common/constant_folding.h"

namespace graftwork::core {

/// The operand that the operator gives on unchanged, element by element, whatever it is: what a mask without a true
/// element is filled into, what a mask of nothing but true elements chooses or is combined with, what zeros are added
/// to. `known` holds the operands whose values are known, null for the others. Shapes may still broadcast.
std::optional<size_t> passed_on(Symbol op, const std::vector<const ParamExpr*>& known, const AttrMap& attrs,
                                const TensorStore& tensors, FoldingBudget& budget);

/// The number that all elements of a tensor of floats are; nothing where they differ, or looking costs too much.
std::optional<double> only_number(const ParamExpr& value, const TensorStore& tensors, FoldingBudget& budget);

}  // namespace graftwork::core
