// Operators on constants, evaluated while the graph is built.
#pragma once

#include <optional>
#include <vector>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// The operator as a parameter expression (view, permute, slice and their relatives of one constant), so
/// that sharing stays visible and training reaches the stored tensor.
std::optional<ParamExpr> as_expression(Symbol op, const std::vector<ParamExpr>& operands, const AttrMap& attrs);

/// What evaluating may still cost: a file names sizes and operators freely, and opening it takes at most 200 MB and ten
/// times the file, 1 s and 10 ns for each byte of it, of which this is the larger part. The length of its program comes
/// on top (docs/bounds.md).
class FoldingBudget {
 public:
  /// Bytes that one operator may read and make.
  static constexpr int64_t kPerOperator = int64_t{64} << 20;

  explicit FoldingBudget(size_t file_bytes)
      : left_(kBytes + kTimesTheFile * static_cast<int64_t>(file_bytes)),
        kept_left_(kKept + kKeptTimesTheFile * static_cast<int64_t>(file_bytes)),
        steps_left_(kSteps + kStepsPerByte * static_cast<int64_t>(file_bytes)) {}

  /// Whether an operator that reads and makes `bytes`, of which `kept` stay, and takes `steps` of work
  /// (operator_cost.h) may run; it then has.
  bool spend(int64_t bytes, int64_t steps, int64_t kept = 0);

 private:
  static constexpr int64_t kBytes = int64_t{128} << 20;
  /// Standardising a weight reads and writes it twelve times.
  static constexpr int64_t kTimesTheFile = 16;
  static constexpr int64_t kKept = int64_t{96} << 20;
  static constexpr int64_t kKeptTimesTheFile = 8;
  /// An orthogonal layer of 1024 features in FP32 takes as many.
  static constexpr int64_t kSteps = (int64_t{1} << 30) + (int64_t{1} << 26);
  static constexpr int64_t kStepsPerByte = 16;

  int64_t left_;
  int64_t kept_left_;
  int64_t steps_left_;
};

/// Bytes that evaluating an expression makes: of operators, and of views, which are copies where the elements do not
/// lie in order. A stored tensor of a few bytes may have any size. The largest number where there are more.
int64_t bytes_to_evaluate(const ParamExpr& expr);

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
/// relatives), where `type` says both. Nothing for other operators, where a size is known at run time only, and beyond
/// the budget.
std::optional<at::Tensor> filled_like(Symbol op, const AttrMap& attrs, const Type& type, FoldingBudget& budget);

}  // namespace graftwork::core
