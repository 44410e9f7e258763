// Elementwise operators.
#include "graftwork/base/error.h"
#include "graftwork/export/operator_lowering.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork {
namespace {

/// A number in the type that the operator computes in.
std::string number(Lowering& lowering, const Node& node, Symbol attr, double fallback) {
  const std::string name = node.name().str() + "_" + attr.str();
  const double value = number_attr(node, attr, fallback);
  if (!node.tensor() || is_floating(node.tensor()->dtype)) return lowering.float_scalar(name, value);
  return lowering.constant(name, at::scalar_tensor(value, to_torch(node.tensor()->dtype)));
}

template <const char* const& kOpType>
void binary(Lowering& lowering, const Node& node) {
  const bool is_number = node.attrs().find("other") != nullptr;
  std::string second = is_number ? number(lowering, node, "other", 0) : operand_as_result(lowering, node, 1);
  if (number_attr(node, "alpha", 1) != 1) {
    second = lowering.add("Mul", node.name().str() + "_scaled", {second, number(lowering, node, "alpha", 1)});
  }
  lowering.bind(
      node,
      lowering.add(kOpType, node.origin().module_path.empty() ? node.name().str() : node.origin().module_path.str(),
                   {operand_as_result(lowering, node, 0), second}, {}, lowering.result_name(node)));
}

template <const char* const& kOpType>
void unary(Lowering& lowering, const Node& node) {
  lowering.bind(node, lowering.add(kOpType, node.name().str(), {operand_as_result(lowering, node, 0)}, {},
                                   lowering.result_name(node)));
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

void power(Lowering& lowering, const Node& node) {
  const std::string exponent = number(lowering, node, "exponent", 1);
  lowering.bind(node, lowering.add("Pow", node.name().str(), {operand_as_result(lowering, node, 0), exponent}, {},
                                   lowering.result_name(node)));
}

void cast(Lowering& lowering, const Node& node) {
  const TensorType* to = node.tensor();
  if (!to) throw Error("export.types", "its type is not known");
  const auto type = onnx::data_type(lowering.exported_dtype(to->dtype));
  lowering.bind(node, lowering.add("Cast", node.name().str(), {lowering.operand(node, 0)}, {{"to", type}},
                                   lowering.result_name(node)));
}

constexpr const char* kAdd = "Add";
constexpr const char* kSub = "Sub";
constexpr const char* kMul = "Mul";
constexpr const char* kDiv = "Div";
constexpr const char* kMax = "Max";
constexpr const char* kMin = "Min";
constexpr const char* kNeg = "Neg";
constexpr const char* kAbs = "Abs";
constexpr const char* kExp = "Exp";
constexpr const char* kLog = "Log";
constexpr const char* kSqrt = "Sqrt";
constexpr const char* kErf = "Erf";
constexpr const char* kReciprocal = "Reciprocal";
constexpr const char* kIdentity = "Identity";
constexpr const char* kSin = "Sin";
constexpr const char* kCos = "Cos";
constexpr const char* kFloor = "Floor";
constexpr const char* kCeil = "Ceil";
constexpr const char* kRound = "Round";
constexpr const char* kSign = "Sign";
constexpr const char* kPow = "Pow";

}  // namespace

OperatorLowerings elementwise_lowerings() {
  return {{"aten.add.Tensor", binary<kAdd>},
          {"aten.add.Scalar", binary<kAdd>},
          {"aten.sub.Tensor", binary<kSub>},
          {"aten.sub.Scalar", binary<kSub>},
          {"aten.mul.Tensor", binary<kMul>},
          {"aten.mul.Scalar", binary<kMul>},
          {"aten.div.Tensor", binary<kDiv>},
          {"aten.div.Scalar", binary<kDiv>},
          {"aten.maximum.default", binary<kMax>},
          {"aten.minimum.default", binary<kMin>},
          {"aten.max.other", binary<kMax>},
          {"aten.min.other", binary<kMin>},
          {"aten.rsub.Scalar", reversed_sub},
          {"aten.clamp_min.default", clamp},
          {"aten.clamp_max.default", clamp},
          {"aten.square.default", square},
          {"aten.log1p.default", log1p},
          {"aten.sin.default", unary<kSin>},
          {"aten.cos.default", unary<kCos>},
          {"aten.floor.default", unary<kFloor>},
          {"aten.ceil.default", unary<kCeil>},
          {"aten.round.default", unary<kRound>},
          {"aten.sign.default", unary<kSign>},
          {"aten.pow.Tensor_Tensor", binary<kPow>},
          {"aten.neg.default", unary<kNeg>},
          {"aten.abs.default", unary<kAbs>},
          {"aten.exp.default", unary<kExp>},
          {"aten.log.default", unary<kLog>},
          {"aten.sqrt.default", unary<kSqrt>},
          {"aten.erf.default", unary<kErf>},
          {"aten.reciprocal.default", unary<kReciprocal>},
          {"aten.clone.default", unary<kIdentity>},
          {"aten.contiguous.default", unary<kIdentity>},
          {"aten.detach.default", unary<kIdentity>},
          {"aten.alias.default", unary<kIdentity>},
          {"aten.clamp.default", clamp},
          {"aten.hardtanh.default", clamp},
          {"aten.rsqrt.default", rsqrt},
          {"aten.pow.Tensor_Scalar", power},
          {"aten.to.dtype", cast},
          {"aten._to_copy.default", cast}};
}

}  // namespace graftwork
