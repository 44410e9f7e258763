// What ONNX asks of an operator's operands, and what type and shape its results have.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "graftwork/onnx/attributes.h"
#include "graftwork/onnx/infer.h"

namespace graftwork::core::onnx {

/// Why operands are illegal; infer_types adds the node.
struct IllegalOperands : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a rule sees of a node.
struct Operands {
  const Node& node;
  int64_t opset;
  std::vector<const ValueType*> inputs;  ///< Null: left out, or not known.
  std::vector<const Tensor*> constants;  ///< Null: no initializer.

  const ValueType* input(size_t i) const { return i < inputs.size() ? inputs[i] : nullptr; }
  /// Null where the rank is not known.
  const Dims* dims(size_t i) const { return input(i) && input(i)->dims ? &*input(i)->dims : nullptr; }
  /// The whole numbers of a constant input.
  std::optional<std::vector<int64_t>> integers(size_t i) const {
    return i < constants.size() && constants[i] ? integers_of(*constants[i]) : std::nullopt;
  }
  int64_t integer(std::string_view name, int64_t fallback) const { return integer_attribute(node, name, fallback); }
  std::vector<int64_t> integers(std::string_view name, std::vector<int64_t> fallback = {}) const {
    return integers_attribute(node, name, std::move(fallback));
  }
};

/// Of one result; nullopt where the rank is not known.
using Shape = std::optional<Dims>;
/// Of the results in order; those behind the last are not known. Throws IllegalOperands.
using ShapeRule = std::vector<Shape> (*)(const Operands&);

/// Letters for element types, one for each operand or result; the last stands for all that follow. Operands with one
/// letter have one type:
///   T  one of the row's;  B  bool;  I  INT64;  N  INT32 or INT64, each for itself;  *  any, each for itself
/// and any type for all others. A result may also be C, the type in the attribute `to`.
struct OperatorRule {
  std::string_view op_type;
  std::string_view operands;
  std::string_view results;
  std::string_view allowed;  ///< What T may be, see is_allowed.
  ShapeRule shapes;
};

/// Null for an operator that has none.
const OperatorRule* find_operator_rule(std::string_view op_type);

/// "any", "number" (all but bool), "signed" (numbers with a sign), "float", "whole" (numbers that are no floats),
/// "wide" (floats, INT32, INT64).
bool is_allowed(std::string_view types, DType type);

}  // namespace graftwork::core::onnx
