// Operators on constants, evaluated while the graph is built.
#pragma once

#include <optional>
#include <vector>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// The operator as a parameter expression (view, permute, slice and their relatives of one constant), so
/// that sharing stays visible and training reaches the stored tensor.
std::optional<ParamExpr> as_expression(Symbol op, const std::vector<ParamExpr>& operands, const AttrMap& attrs);

/// What evaluating may still cost, in bytes read and made: a file names sizes and operators freely, and opening it is
/// to take memory and time in proportion to its own size.
class FoldingBudget {
 public:
  static constexpr int64_t kPerOperator = int64_t{64} << 20;

  explicit FoldingBudget(size_t file_bytes)
      : left_((int64_t{128} << 20) + kTimesTheFile * static_cast<int64_t>(file_bytes)),
        steps_left_((int64_t{1} << 31) + kStepsPerByte * static_cast<int64_t>(file_bytes)) {}

  /// Whether an operator that touches `bytes` and takes `steps` of work may run; it then has.
  bool spend(int64_t bytes, int64_t steps);

 private:
  /// Standardising a weight reads and writes it twelve times.
  static constexpr int64_t kTimesTheFile = 16;
  /// An orthogonal layer of 1024 features in FP32 takes as many.
  static constexpr int64_t kStepsPerByte = 256;

  int64_t left_;
  int64_t steps_left_;
};

/// Runs an operator whose operands are all constant. Nothing when it is not on the list of those that may run now
/// (allowed_operators.h), gives anything but tensors, does not say the sizes of its results beforehand, or is beyond
/// the budget. Several results come in order.
std::optional<std::vector<at::Tensor>> run_constant(Symbol op, const std::vector<ParamExpr>& operands,
                                                    const AttrMap& attrs, const TensorStore& tensors,
                                                    FoldingBudget& budget);

/// The results of an operator whose operands are all constant, as expressions that are computed whenever they are asked
/// for: what training changes. Nothing where `run_constant` gives nothing, and where a result is much larger than all
/// that it is made of.
std::optional<std::vector<ParamExpr>> compute_when_asked(Symbol op, const std::vector<ParamExpr>& operands,
                                                         const AttrMap& attrs, FoldingBudget& budget);

/// The result of an operator that reads only the shape and element type of its operand (new_zeros, ones_like and their
/// relatives), where `type` says both. Nothing for other operators, and where a size is known at run time only.
std::optional<at::Tensor> filled_like(Symbol op, const AttrMap& attrs, const Type& type);

}  // namespace graftwork::core
