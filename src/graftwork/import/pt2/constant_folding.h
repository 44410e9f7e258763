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

/// The result of an operator that reads only the shape and element type of its operand (new_zeros, ones_like and their
/// relatives), where `type` says both. Nothing for other operators, and where a size is known at run time only.
std::optional<at::Tensor> filled_like(Symbol op, const AttrMap& attrs, const Type& type);

}  // namespace graftwork::pt2
