// Comparisons, logic and choice.
#include "graftwork/export/operator_lowering.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork {
namespace {

/// Both operands in the type that torch compares in: the tensor's, when the other one is a number.
template <const char* const& kOpType, bool kNegated>
void compare(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const TensorType* in = node.input(0).tensor();
  std::string second;
  if (node.attrs().find("other")) {
    const double value = number_attr(node, "other", 0);
    const std::string constant = name + "_other";
    second = !in || is_floating(in->dtype) ? lowering.float_scalar(constant, value)
                                           : lowering.constant(constant, at::scalar_tensor(value, to_torch(in->dtype)));
  } else {
    second = lowering.operand(node, 1);
  }
  const std::vector<std::string> operands{lowering.operand(node, 0), second};
  if (!kNegated) {
    lowering.bind(node, lowering.add(kOpType, name, operands, {}, lowering.result_name(node)));
    return;
  }
  const std::string opposite = lowering.add(kOpType, name + "_opposite", operands);
  lowering.bind(node, lowering.add("Not", name, {opposite}, {}, lowering.result_name(node)));
}

template <const char* const& kOpType>
void logic(Lowering& lowering, const Node& node) {
  std::vector<std::string> operands;
  for (size_t slot = 0; slot < node.input_count(); ++slot) operands.push_back(lowering.operand(node, slot));
  lowering.bind(node, lowering.add(kOpType, node.name().str(), std::move(operands), {}, lowering.result_name(node)));
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

constexpr const char* kEqual = "Equal";
constexpr const char* kGreater = "Greater";
constexpr const char* kGreaterOrEqual = "GreaterOrEqual";
constexpr const char* kLess = "Less";
constexpr const char* kLessOrEqual = "LessOrEqual";
constexpr const char* kAnd = "And";
constexpr const char* kOr = "Or";
constexpr const char* kXor = "Xor";
constexpr const char* kNot = "Not";

}  // namespace

OperatorLowerings comparison_lowerings() {
  return {{"aten.eq.Scalar", compare<kEqual, false>},
          {"aten.eq.Tensor", compare<kEqual, false>},
          {"aten.ne.Scalar", compare<kEqual, true>},
          {"aten.ne.Tensor", compare<kEqual, true>},
          {"aten.gt.Scalar", compare<kGreater, false>},
          {"aten.gt.Tensor", compare<kGreater, false>},
          {"aten.ge.Scalar", compare<kGreaterOrEqual, false>},
          {"aten.ge.Tensor", compare<kGreaterOrEqual, false>},
          {"aten.lt.Scalar", compare<kLess, false>},
          {"aten.lt.Tensor", compare<kLess, false>},
          {"aten.le.Scalar", compare<kLessOrEqual, false>},
          {"aten.le.Tensor", compare<kLessOrEqual, false>},
          {"aten.logical_and.default", logic<kAnd>},
          {"aten.logical_or.default", logic<kOr>},
          {"aten.logical_xor.default", logic<kXor>},
          {"aten.logical_not.default", logic<kNot>},
          {"aten.where.self", where},
          {"aten.masked_fill.Scalar", masked_fill}};
}

}  // namespace graftwork
