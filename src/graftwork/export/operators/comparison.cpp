// Comparisons, logic and choice.
#include "graftwork/export/operator_lowering.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork {
namespace {

/// Both operands in the type that torch compares in: the tensor's, when the other one is a number.
std::vector<std::string> compared_operands(Lowering& lowering, const Node& node) {
  if (!node.attrs().find("other")) return {lowering.operand(node, 0), lowering.operand(node, 1)};
  const TensorType* in = node.input(0).tensor();
  const double value = number_attr(node, "other", 0);
  const std::string name = node.name().str() + "_other";
  return {lowering.operand(node, 0), !in || is_floating(in->dtype)
                                         ? lowering.float_scalar(name, value)
                                         : lowering.constant(name, at::scalar_tensor(value, to_torch(in->dtype)))};
}

OperatorLowering compare(const char* op_type) {
  return [op_type](Lowering& lowering, const Node& node) {
    std::vector<std::string> operands = compared_operands(lowering, node);
    lowering.bind(node, lowering.add(op_type, node.name().str(), std::move(operands), {}, lowering.result_name(node)));
  };
}

void not_equal(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const std::string opposite = lowering.add("Equal", name + "_opposite", compared_operands(lowering, node));
  lowering.bind(node, lowering.add("Not", name, {opposite}, {}, lowering.result_name(node)));
}

OperatorLowering logic(const char* op_type) {
  return [op_type](Lowering& lowering, const Node& node) {
    std::vector<std::string> operands;
    for (size_t slot = 0; slot < node.input_count(); ++slot) operands.push_back(lowering.operand(node, slot));
    lowering.bind(node, lowering.add(op_type, node.name().str(), std::move(operands), {}, lowering.result_name(node)));
  };
}

void where(Lowering& lowering, const Node& node) {
  lowering.bind(node, lowering.add("Where", node.name().str(),
                                   {lowering.operand(node, 0), operand_as_result(lowering, node, 1),
                                    operand_as_result(lowering, node, 2)},
                                   {}, lowering.result_name(node)));
}

/// The value where the mask holds.
void masked_fill(Lowering& lowering, const Node& node) {
  const std::string value = lowering.float_scalar(node.name().str() + "_value", number_attr(node, "value", 0));
  lowering.bind(node, lowering.add("Where", node.name().str(),
                                   {lowering.operand(node, 1), value, operand_as_result(lowering, node, 0)}, {},
                                   lowering.result_name(node)));
}

}  // namespace

OperatorLowerings comparison_lowerings() {
  return {{"aten.eq.Scalar", compare("Equal")},
          {"aten.eq.Tensor", compare("Equal")},
          {"aten.ne.Scalar", not_equal},
          {"aten.ne.Tensor", not_equal},
          {"aten.gt.Scalar", compare("Greater")},
          {"aten.gt.Tensor", compare("Greater")},
          {"aten.ge.Scalar", compare("GreaterOrEqual")},
          {"aten.ge.Tensor", compare("GreaterOrEqual")},
          {"aten.lt.Scalar", compare("Less")},
          {"aten.lt.Tensor", compare("Less")},
          {"aten.le.Scalar", compare("LessOrEqual")},
          {"aten.le.Tensor", compare("LessOrEqual")},
          {"aten.logical_and.default", logic("And")},
          {"aten.logical_or.default", logic("Or")},
          {"aten.logical_xor.default", logic("Xor")},
          {"aten.logical_not.default", logic("Not")},
          {"aten.where.self", where},
          {"aten.masked_fill.Scalar", masked_fill}};
}

}  // namespace graftwork
