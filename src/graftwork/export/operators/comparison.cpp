// Comparisons, logic and choice.
#include "graftwork/base/error.h"
#include "graftwork/export/operator_lowering.h"
#include "graftwork/export/runtime_number.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {
namespace {

/// A tensor that stands for one of its type where only types count: what torch promotes also depends on ranks.
at::Tensor stand_in(const TensorType& type) {
  return at::empty(std::vector<int64_t>(type.rank(), 1), to_torch(type.dtype));
}

/// A number of the type of what is compared with.
c10::Scalar number_of(const Node& node, const Attribute& attr) {
  if (attr.get<InputRef>()) return is_whole_number(node, attr) ? c10::Scalar(int64_t{1}) : c10::Scalar(1.0);
  if (const bool* truth = attr.get<bool>()) return *truth;
  if (const double* value = attr.get<double>()) return *value;
  if (const int64_t* value = attr.get<int64_t>()) return *value;
  throw Error("export.attribute", "what it compares with is no number");
}

/// The type that torch compares in. Integers beside floats are compared in FP32: FP16 ends at 65504.
DType compared_type(const Lowering& lowering, const Node& node) {
  const at::Tensor first = stand_in(*node.input(0).tensor());
  if (const Attribute* number = node.attrs().find("other")) {
    const at::ScalarType type = at::result_type(first, number_of(node, *number));
    const bool stands_as_float = first.is_floating_point() || first.scalar_type() == at::kByte;
    return stands_as_float ? lowering.exported_dtype(*from_torch(type)) : *from_torch(type);
  }
  const at::Tensor second = stand_in(*node.input(1).tensor());
  if (first.is_floating_point() != second.is_floating_point()) return DType::kF32;
  return lowering.exported_dtype(*from_torch(at::result_type(first, second)));
}

/// Both operands in the type that torch compares in; as they stand where a body does not know their types.
std::vector<std::string> compared_operands(Lowering& lowering, const Node& node) {
  const std::string name = node.name().str() + "_other";
  const bool has_number = node.attrs().find("other") != nullptr;
  if (!node.input(0).tensor() || (!has_number && !node.input(1).tensor())) {
    const std::string& first = lowering.operand(node, 0);
    return {first, has_number ? lowering.float_scalar(name, number_attr(node, "other", 0)) : lowering.operand(node, 1)};
  }
  const DType type = compared_type(lowering, node);
  const std::string first = operand_as(lowering, node, 0, type);
  if (!has_number) return {first, operand_as(lowering, node, 1, type)};
  return {first, number_operand(lowering, node, "other", 0, type)};
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

bool is_choice_of_truths(const Node& node) { return node.tensor() && node.tensor()->dtype == DType::kBool; }

/// ONNX Runtime has no Where of truth values: (mask and yes) or (not mask and no).
void where_of_truths(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const std::string& mask = lowering.operand(node, 0);
  const std::string yes = lowering.add("And", name + "_yes", {mask, operand_as_result(lowering, node, 1)});
  const std::string otherwise = lowering.add("Not", name + "_otherwise", {mask});
  const std::string no = lowering.add("And", name + "_no", {otherwise, operand_as_result(lowering, node, 2)});
  lowering.bind(node, lowering.add("Or", name, {yes, no}, {}, lowering.result_name(node)));
}

void where(Lowering& lowering, const Node& node) {
  if (is_choice_of_truths(node)) return where_of_truths(lowering, node);
  lowering.bind(node, lowering.add("Where", node.name().str(),
                                   {lowering.operand(node, 0), operand_as_result(lowering, node, 1),
                                    operand_as_result(lowering, node, 2)},
                                   {}, lowering.result_name(node)));
}

void fill_truths(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const std::string value = operand_as_result(lowering, node, 0);
  std::string mask = lowering.operand(node, 1);
  const bool with = number_attr(node, "value", 0) != 0;
  if (!with) mask = lowering.add("Not", name + "_kept", {mask});
  lowering.bind(node, lowering.add(with ? "Or" : "And", name, {value, mask}, {}, lowering.result_name(node)));
}

/// The value where the mask holds.
void masked_fill(Lowering& lowering, const Node& node) {
  if (is_choice_of_truths(node)) return fill_truths(lowering, node);
  const std::string value =
      number_as_result(lowering, node, node.name().str() + "_value", number_attr(node, "value", 0));
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

}  // namespace graftwork::core
