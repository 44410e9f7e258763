// Indices that are known while the graph is built, and take a dimension from its middle on, then its beginning.
#pragma once

#include <optional>

#include "graftwork/import/common/constant_folding.h"

namespace graftwork::core {

/// The first of the places k, k + 1, ..., extent − 1, 0, 1, ..., k − 1, where the tensor of indices is these; nothing
/// where it is others, or looking costs too much.
std::optional<int64_t> rotation_of(const ParamExpr& index, int64_t extent, const TensorStore& tensors,
                                   FoldingBudget& budget);

}  // namespace graftwork::core
