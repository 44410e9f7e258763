// Functions of numbers that ONNX has, on whatever type they are given.
#include "graftwork/base/error.h"
#include "graftwork/export/form.h"

namespace graftwork::core {
namespace {

OperatorLowering function(const char* op_type) {
  return [op_type](Lowering& lowering, const Node& node) {
    Form form(lowering, node);
    form.result(op_type, {form.as_result(0)});
  };
}

/// A question about floats; whole numbers are never NaN or infinite.
OperatorLowering question(const char* op_type) {
  return [op_type](Lowering& lowering, const Node& node) {
    Form form(lowering, node);
    form.result(op_type, {is_floating(form.type(0).dtype) ? form.operand(0) : form.operand(0, DType::kF32)});
  };
}

/// Opset 19 asks FP32 and FP64 alone.
void isinf(Form& form) { form.result("IsInf", {form.operand(0, DType::kF32)}); }

/// The quotient's remainder with the sign of the dividend (C's fmod).
void fmod(Form& form) {
  const std::string divisor = form.has("other") ? form.number_operand("other", form.result_dtype()) : form.as_result(1);
  form.result("Mod", {form.as_result(0), divisor}, {{"fmod", int64_t{1}}});
}

/// Two operands, either of which may be a number.
std::pair<std::string, std::string> both(Form& form) {
  const DType type = form.result_dtype();
  const bool is_number_first = form.has("self");
  const auto tensor = [&](size_t which) { return form.as_result(tensor_slots(form.node()).at(which)); };
  std::string first = is_number_first ? form.number_operand("self", type) : tensor(0);
  std::string second = form.has("other") ? form.number_operand("other", type) : tensor(is_number_first ? 0 : 1);
  return {std::move(first), std::move(second)};
}

/// With the sign of the divisor: for floats x − floor(x / y) · y.
void remainder(Form& form) {
  const DType type = form.result_dtype();
  const auto [x, y] = both(form);
  if (!is_floating(type)) return form.result("Mod", {x, y}, {{"fmod", int64_t{0}}});
  const std::string whole = form.add("Mul", {form.add("Floor", {form.add("Div", {x, y})}), y});
  form.result("Sub", {x, whole});
}

void power_of_number(Form& form) {
  form.result("Pow",
              {form.number_operand("self", form.result_dtype()), form.as_result(tensor_slots(form.node()).at(0))});
}

/// Of whole numbers: ONNX's Div rounds towards 0.
void whole_quotient(Form& form) {
  if (is_floating(form.result_dtype())) throw Error("export.attribute", "its quotients are rounded");
  const std::string divisor = form.has("other") ? form.number_operand("other", form.result_dtype()) : form.as_result(1);
  form.result("Div", {form.as_result(0), divisor});
}

/// Bit by bit; truth values by logic.
template <int kWhich>
void bitwise(Form& form) {
  constexpr const char* kLogic[] = {"And", "Or", "Xor"};
  constexpr const char* kBits[] = {"BitwiseAnd", "BitwiseOr", "BitwiseXor"};
  const DType type = form.result_dtype();
  const auto [first, other] = both(form);
  form.result((type == DType::kBool ? kLogic : kBits)[kWhich], {first, other});
}

void bitwise_not(Form& form) {
  form.result(form.result_dtype() == DType::kBool ? "Not" : "BitwiseNot", {form.operand(0)});
}

}  // namespace

OperatorLowerings function_lowerings() {
  return {{"aten.acos.default", function("Acos")},
          {"aten.acosh.default", function("Acosh")},
          {"aten.asin.default", function("Asin")},
          {"aten.asinh.default", function("Asinh")},
          {"aten.atan.default", function("Atan")},
          {"aten.atanh.default", function("Atanh")},
          {"aten.cosh.default", function("Cosh")},
          {"aten.sinh.default", function("Sinh")},
          {"aten.tan.default", function("Tan")},
          {"aten.isnan.default", question("IsNaN")},
          {"aten.isinf.default", form(isinf)},
          {"aten.fmod.Tensor", form(fmod)},
          {"aten.fmod.Scalar", form(fmod)},
          {"aten.remainder.Tensor", form(remainder)},
          {"aten.remainder.Scalar", form(remainder)},
          {"aten.remainder.Scalar_Tensor", form(remainder)},
          {"aten.pow.Scalar", form(power_of_number)},
          {"aten.div.Tensor_mode", form(whole_quotient)},
          {"aten.div.Scalar_mode", form(whole_quotient)},
          {"aten.bitwise_and.Tensor", form(bitwise<0>)},
          {"aten.bitwise_and.Scalar", form(bitwise<0>)},
          {"aten.bitwise_and.Scalar_Tensor", form(bitwise<0>)},
          {"aten.bitwise_or.Tensor", form(bitwise<1>)},
          {"aten.bitwise_or.Scalar", form(bitwise<1>)},
          {"aten.bitwise_or.Scalar_Tensor", form(bitwise<1>)},
          {"aten.bitwise_xor.Tensor", form(bitwise<2>)},
          {"aten.bitwise_xor.Scalar", form(bitwise<2>)},
          {"aten.bitwise_xor.Scalar_Tensor", form(bitwise<2>)},
          {"aten.bitwise_not.default", form(bitwise_not)}};
}

}  // namespace graftwork::core
