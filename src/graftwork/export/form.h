// What the forms of operators are written with: values go from node to node, and names come by themselves.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graftwork/export/operator_lowering.h"

namespace graftwork::core {

/// The form of one operator. Values are names of the file; nodes are called after the operator's and their own type.
class Form {
 public:
  using Values = std::vector<std::string>;
  using Attributes = std::vector<std::pair<std::string, onnx::AttributeValue>>;

  Form(Lowering& lowering, const Node& node) : lowering_(lowering), node_(node), name_(node.name().str()) {}

  // ---- operands --------------------------------------------------------------------------------------
  /// As it is.
  std::string operand(size_t slot) const { return lowering_.operand(node_, slot); }
  /// In an element type of the file, behind a Cast where it has another.
  std::string operand(size_t slot, DType type) { return operand_as(lowering_, node_, slot, type); }
  /// In the element type of the result.
  std::string as_result(size_t slot) { return operand_as_result(lowering_, node_, slot); }
  /// Throws Error "export.shape" when its type is not known.
  const TensorType& type(size_t slot) const;
  /// Of the result, or of one of several.
  const TensorType& result_type(size_t result = 0) const;
  /// In the file: floats have the type of the float regions.
  DType dtype(size_t slot) const { return lowering_.exported_dtype(type(slot).dtype); }
  DType result_dtype(size_t result = 0) const { return lowering_.exported_dtype(result_type(result).dtype); }
  int64_t rank(size_t slot = 0) const { return static_cast<int64_t>(type(slot).rank()); }
  /// Extents of an operand. Throws Error "export.shape" where one is known at run time only.
  std::vector<int64_t> shape(size_t slot) const;
  std::vector<int64_t> result_shape(size_t result = 0) const;

  // ---- attributes ------------------------------------------------------------------------------------
  bool has(Symbol name) const;
  int64_t integer(Symbol name, int64_t fallback = 0) const { return integer_attr(node_, name, fallback); }
  double number(Symbol name, double fallback = 0) const { return number_attr(node_, name, fallback); }
  bool flag(Symbol name, bool fallback = false) const { return flag_attr(node_, name, fallback); }
  std::string text(Symbol name, const std::string& fallback) const;
  /// Empty where it is not given; one number is a list of it.
  std::vector<int64_t> integers(Symbol name) const;
  /// One for each of `count` axes: a list, or one number for all; `fallback` where it is not given.
  std::vector<int64_t> per_axis(Symbol name, size_t count, int64_t fallback) const;
  /// The axes that `dim` names, of the first operand, counted from the front; all where it names none.
  std::vector<int64_t> axes() const;
  /// The axis that an attribute names, of the operand `slot`, counted from the front.
  int64_t axis(Symbol name = "dim", int64_t fallback = 0, size_t slot = 0) const;

  // ---- values ----------------------------------------------------------------------------------------
  std::string add(const std::string& op_type, Values inputs, Attributes attributes = {});
  Values add_several(const std::string& op_type, Values inputs, size_t outputs, Attributes attributes = {});
  std::string list(const std::vector<int64_t>& numbers);
  std::string constant(const at::Tensor& tensor);
  /// A number in an element type of the file.
  std::string scalar(double value, DType type) { return number_as(lowering_, name_ + "_number", value, type); }
  /// What an attribute says or refers to.
  std::string number_operand(Symbol name, DType type) {
    return graftwork::core::number_operand(lowering_, node_, name, 0, type);
  }
  std::string cast(const std::string& value, DType type);
  std::string reshape(const std::string& value, const std::vector<int64_t>& shape);
  std::string transpose(const std::string& value, const std::vector<int64_t>& order);

  // ---- results ---------------------------------------------------------------------------------------
  /// The last node: it gives the operator's result.
  void result(const std::string& op_type, Values inputs, Attributes attributes = {});
  /// A value that is there already.
  void result(const std::string& value);
  /// One of several results; nothing where nobody reads it.
  void result_of(size_t index, const std::string& value);

  Lowering& lowering() { return lowering_; }
  const Node& node() const { return node_; }

 private:
  Lowering& lowering_;
  const Node& node_;
  std::string name_;
};

/// Forms by operator, as they stand in the tables of operators/.
using FormFunction = void (*)(Form&);
OperatorLowering form(FormFunction function);

}  // namespace graftwork::core
