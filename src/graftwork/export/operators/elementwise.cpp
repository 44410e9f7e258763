// Elementwise operators.
#include "graftwork/base/error.h"
#include "graftwork/export/element_types.h"
#include "graftwork/export/form.h"

namespace graftwork::core {
namespace {

/// A number in the type that the operator computes in.
std::string number(Lowering& lowering, const Node& node, Symbol attr, double fallback) {
  const DType type = node.tensor() ? lowering.exported_dtype(node.tensor()->dtype) : lowering.options().float_type;
  return number_operand(lowering, node, attr, fallback, type);
}

/// `x op (alpha · other)`.
OperatorLowering binary(const char* op_type) {
  return [op_type](Lowering& lowering, const Node& node) {
    const bool is_number = node.attrs().find("other") != nullptr;
    const bool number_first = node.attrs().find("self") != nullptr;
    const std::vector<size_t> slots = tensor_slots(node);
    if (slots.size() + (is_number ? 1 : 0) + (number_first ? 1 : 0) != 2)
      throw Error("export.attribute", "it has other operands than two");
    const std::string first =
        number_first ? number(lowering, node, "self", 0) : operand_as_result(lowering, node, slots.front());
    std::string second =
        is_number ? number(lowering, node, "other", 0) : operand_as_result(lowering, node, slots.back());
    if (number_attr(node, "alpha", 1) != 1) {
      second = lowering.add("Mul", node.name().str() + "_scaled", {second, number(lowering, node, "alpha", 1)});
    }
    const Symbol path = node.origin().module_path;
    lowering.bind(node, lowering.add(op_type, path.empty() ? node.name().str() : path.str(), {first, second}, {},
                                     lowering.result_name(node)));
  };
}

OperatorLowering unary(const char* op_type) {
  return [op_type](Lowering& lowering, const Node& node) {
    lowering.bind(node, lowering.add(op_type, node.name().str(), {operand_as_result(lowering, node, 0)}, {},
                                     lowering.result_name(node)));
  };
}

void clamp(Lowering& lowering, const Node& node) {
  const bool hardtanh = node.op() == Symbol("aten.hardtanh.default");
  const auto bound = [&](Symbol attr, double fallback) -> std::string {
    const Attribute* value = node.attrs().find(attr);
    if ((!value || value->is_none()) && !hardtanh) return "";
    return number(lowering, node, attr, fallback);
  };
  const std::string low = bound(hardtanh ? "min_val" : "min", -1);
  const std::string high = bound(hardtanh ? "max_val" : "max", 1);
  lowering.bind(node, lowering.add("Clip", node.name().str(), {operand_as_result(lowering, node, 0), low, high}, {},
                                   lowering.result_name(node)));
}

/// other − alpha · x.
void reversed_sub(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  std::string x = operand_as_result(lowering, node, 0);
  if (number_attr(node, "alpha", 1) != 1)
    x = lowering.add("Mul", name + "_scaled", {x, number(lowering, node, "alpha", 1)});
  lowering.bind(node,
                lowering.add("Sub", name, {number(lowering, node, "other", 0), x}, {}, lowering.result_name(node)));
}

void square(Lowering& lowering, const Node& node) {
  const std::string x = operand_as_result(lowering, node, 0);
  lowering.bind(node, lowering.add("Mul", node.name().str(), {x, x}, {}, lowering.result_name(node)));
}

void log1p(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const std::string raised = lowering.add(
      "Add", name + "_raised", {operand_as_result(lowering, node, 0), lowering.float_scalar(name + "_one", 1)});
  lowering.bind(node, lowering.add("Log", name, {raised}, {}, lowering.result_name(node)));
}

void rsqrt(Lowering& lowering, const Node& node) {
  const std::string root = lowering.add("Sqrt", node.name().str() + "_sqrt", {operand_as_result(lowering, node, 0)});
  lowering.bind(node, lowering.add("Reciprocal", node.name().str(), {root}, {}, lowering.result_name(node)));
}

/// Whole numbers to negative powers are 0 but for those of 1 and −1; 0 would be infinite on the way.
void power_of_tensors(Lowering& lowering, const Node& node) {
  const TensorType* type = node.tensor();
  if (!type || is_floating(type->dtype)) return binary("Pow")(lowering, node);
  Form form(lowering, node);
  const DType dtype = form.result_dtype();
  const std::string base = form.as_result(0), exponent = form.as_result(1), zero = form.scalar(0, dtype);
  const std::string inverted = form.add("And", {form.add("Equal", {base, zero}), form.add("Less", {exponent, zero})});
  form.result("Pow", {form.add("Where", {inverted, form.scalar(2, dtype), base}), exponent});
}

void power(Lowering& lowering, const Node& node) {
  const std::string exponent = number(lowering, node, "exponent", 1);
  lowering.bind(node, lowering.add("Pow", node.name().str(), {operand_as_result(lowering, node, 0), exponent}, {},
                                   lowering.result_name(node)));
}

void cast(Lowering& lowering, const Node& node) {
  const TensorType* to = node.tensor();
  if (!to) throw Error("export.types", "its type is not known");
  const TensorType* from = node.input(0).tensor();
  const bool is_stand_in = from && from->dtype == DType::kU8 && lowering.exported_dtype(DType::kU8) != DType::kU8;
  if (is_stand_in && lowering.exported_dtype(to->dtype) == lowering.exported_dtype(DType::kU8))
    return lowering.bind(node, lowering.operand(node, 0));
  const auto type = onnx::data_type(is_cast_to_uint8_result(node) ? DType::kU8 : lowering.exported_dtype(to->dtype));
  lowering.bind(node, lowering.add("Cast", node.name().str(), {lowering.operand(node, 0)}, {{"to", type}},
                                   lowering.result_name(node)));
}

}  // namespace

OperatorLowerings elementwise_lowerings() {
  return {{"aten.add.Tensor", binary("Add")},
          {"aten.add.Scalar", binary("Add")},
          {"aten.sub.Tensor", binary("Sub")},
          {"aten.sub.Scalar", binary("Sub")},
          {"aten.mul.Tensor", binary("Mul")},
          {"aten.mul.Scalar", binary("Mul")},
          {"aten.div.Tensor", binary("Div")},
          {"aten.div.Scalar", binary("Div")},
          {"aten.maximum.default", binary("Max")},
          {"aten.minimum.default", binary("Min")},
          {"aten.max.other", binary("Max")},
          {"aten.min.other", binary("Min")},
          {"aten.rsub.Scalar", reversed_sub},
          {"aten.clamp_min.default", clamp},
          {"aten.clamp_max.default", clamp},
          {"aten.square.default", square},
          {"aten.log1p.default", log1p},
          {"aten.sin.default", unary("Sin")},
          {"aten.cos.default", unary("Cos")},
          {"aten.floor.default", unary("Floor")},
          {"aten.ceil.default", unary("Ceil")},
          {"aten.round.default", unary("Round")},
          {"aten.sign.default", unary("Sign")},
          {"aten.pow.Tensor_Tensor", power_of_tensors},
          {"aten.neg.default", unary("Neg")},
          {"aten.abs.default", unary("Abs")},
          {"aten.exp.default", unary("Exp")},
          {"aten.log.default", unary("Log")},
          {"aten.sqrt.default", unary("Sqrt")},
          {"aten.erf.default", unary("Erf")},
          {"aten.reciprocal.default", unary("Reciprocal")},
          {"aten.clone.default", unary("Identity")},
          {"aten.contiguous.default", unary("Identity")},
          {"aten.detach.default", unary("Identity")},
          {"aten.alias.default", unary("Identity")},
          {"aten.clamp.default", clamp},
          {"aten.hardtanh.default", clamp},
          {"aten.rsqrt.default", rsqrt},
          {"aten.pow.Tensor_Scalar", power},
          {"aten.lift_fresh.default", unary("Identity")},
          {"aten.lift_fresh_copy.default", unary("Identity")},
          {"aten.resolve_conj.default", unary("Identity")},
          {"aten.resolve_neg.default", unary("Identity")},
          {"aten.to.dtype_layout", cast},
          {"aten.to.device", cast},
          {"aten.to.dtype", cast},
          {"aten._to_copy.default", cast}};
}

}  // namespace graftwork::core
