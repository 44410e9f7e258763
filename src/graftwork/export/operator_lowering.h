// How operators that stayed operators are written.
#pragma once

#include <functional>
#include <vector>

#include "graftwork/export/lowering.h"

namespace graftwork::core {

/// Lowers a call_function node and binds its value (and those of its get_items). May throw Error "export.*".
using OperatorLowering = std::function<void(Lowering&, const Node&)>;

/// Empty for an operator that has none.
OperatorLowering find_operator_lowering(Symbol op);

/// Those that have one, in no order.
std::vector<Symbol> lowered_operators();

/// Lowerings by operator, one table per file of operators/.
using OperatorLowerings = std::vector<std::pair<Symbol, OperatorLowering>>;
OperatorLowerings activation_operator_lowerings();
OperatorLowerings comparison_lowerings();
OperatorLowerings complex_lowerings();
OperatorLowerings elementwise_lowerings();
OperatorLowerings function_lowerings();
OperatorLowerings indexing_lowerings();
OperatorLowerings layer_lowerings();
OperatorLowerings pool_operator_lowerings();
OperatorLowerings sampling_lowerings();
OperatorLowerings scatter_lowerings();
OperatorLowerings search_lowerings();
OperatorLowerings shape_operator_lowerings();
OperatorLowerings split_lowerings();
OperatorLowerings reduction_lowerings();
OperatorLowerings recurrent_lowerings();
OperatorLowerings creation_lowerings();

/// Attribute readers with defaults; Error "export.attribute" when a value is known at run time only.
int64_t integer_attr(const Node& node, Symbol name, int64_t fallback);
double number_attr(const Node& node, Symbol name, double fallback);
bool flag_attr(const Node& node, Symbol name, bool fallback);
std::vector<int64_t> integers_attr(const Node& node, Symbol name);
/// The inputs that no attribute refers to: those that are no run-time numbers.
std::vector<size_t> tensor_slots(const Node& node);
/// Rank of an input, and an axis counted from the front. Throws Error "export.attribute" when there is no such axis.
int64_t rank_of(const Node& node);
int64_t front_axis(int64_t axis, int64_t rank);
/// An input in the element type of the node's result, behind a Cast where torch promotes: ONNX wants one type.
std::string operand_as_result(Lowering& lowering, const Node& node, size_t slot);
/// An input in an element type of the file.
std::string operand_as(Lowering& lowering, const Node& node, size_t slot, DType type);
/// A constant called `name` in an element type of the file.
std::string number_as(Lowering& lowering, const std::string& name, double value, DType type);
/// The same in the element type of the node's result.
std::string number_as_result(Lowering& lowering, const Node& node, const std::string& name, double value);
/// What an attribute says or refers to, without a dimension.
std::string number_operand(Lowering& lowering, const Node& node, Symbol attr, double fallback, DType type);

}  // namespace graftwork::core
