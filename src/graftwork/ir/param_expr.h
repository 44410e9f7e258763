// How a parameter is made from stored tensors.
//
// Patterns write expressions and never touch tensors: sharing and tied weights stay visible, the core
// needs no libtorch, and under training gradients reach the stored leaves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graftwork/base/symbol.h"
#include "graftwork/ir/attribute.h"
#include "graftwork/ir/type.h"

namespace graftwork::core {

/// An immutable expression over stored tensors, with its type. Cheap to copy; equal when equal in form. Whatever makes
/// one throws Error "ir.parameter" when the operands do not fit, or when more than 256 expressions stand in each other.
class ParamExpr {
 public:
  enum class Op : uint8_t { kLeaf, kView, kPermute, kSlice, kConcat, kMultiply, kOperator };

  /// The stored tensor `name`.
  static ParamExpr leaf(Symbol name, TensorType type);
  /// The same elements in row-major order under another shape of the same element count.
  ParamExpr view(std::vector<int64_t> shape) const;
  /// Dimension i of the result is dimension `order[i]` of this.
  ParamExpr permute(std::vector<int64_t> order) const;
  /// Elements start ≤ i < end of dimension `axis`.
  ParamExpr slice(int64_t axis, int64_t start, int64_t end) const;
  static ParamExpr concat(const std::vector<ParamExpr>& parts, int64_t axis);
  /// Element by element, with broadcasting.
  ParamExpr multiply(const ParamExpr& other) const;
  /// Result number `result` of an operator of torch: what a network computes from its parameters alone. Attributes
  /// refer to operands as those of a node do to its inputs. Throws where more than 512 expressions would be written.
  static ParamExpr computed(Symbol op, const std::vector<ParamExpr>& operands, AttrMap attrs, int64_t result,
                            TensorType type);

  Op op() const;
  const TensorType& type() const;
  /// The stored tensor's name; only for leaves.
  Symbol leaf_name() const;
  /// Only for kOperator: which one, and what it is told.
  Symbol operator_name() const;
  const AttrMap& attrs() const;
  const std::vector<ParamExpr>& operands() const;
  /// Shape, order, {axis, start, end}, {axis} or {result}: the numbers of the operation.
  const std::vector<int64_t>& numbers() const;

  /// Names of all leaves, left to right, with repeats.
  std::vector<Symbol> leaves() const;

  /// "view(@fc.weight: f32[10, 64], [10, 64, 1, 1])"; operators end with their type, "aten.exp.default(@a: f32[2]):
  /// f32[2]".
  std::string text() const;

  friend bool operator==(const ParamExpr& a, const ParamExpr& b);

 private:
  struct Data;
  static ParamExpr make(Data data);
  explicit ParamExpr(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

}  // namespace graftwork::core
