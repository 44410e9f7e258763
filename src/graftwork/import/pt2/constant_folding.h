// Operators on constants, evaluated while the graph is built.
#pragma once

#include <optional>
#include <vector>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::pt2 {

/// The operator as a parameter expression (view, permute, slice and their relatives of one constant), so
/// that sharing stays visible and training reaches the stored tensor.
std::optional<ParamExpr> as_expression(Symbol op, const std::vector<ParamExpr>& operands, const AttrMap& attrs);

/// Runs an operator whose operands are all constant. Nothing when it is random, writes in place, or gives
/// anything but tensors. Several results come in order.
std::optional<std::vector<at::Tensor>> run_constant(Symbol op, const std::vector<ParamExpr>& operands,
                                                    const AttrMap& attrs, const TensorStore& tensors);

}  // namespace graftwork::pt2
