// Activations that are no modules here.
#include "graftwork/base/error.h"
#include "graftwork/export/operator_lowering.h"

namespace graftwork::core {
namespace {

/// log(1 + exp(beta · x)) / beta. Above torch's threshold (20) the two differ by less than single precision shows.
void softplus(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const double beta = number_attr(node, "beta", 1);
  if (number_attr(node, "threshold", 20) < 20) throw Error("export.attribute", "its threshold is below 20");
  if (beta == 1) {
    lowering.bind(node, lowering.add("Softplus", name, {lowering.operand(node, 0)}, {}, lowering.result_name(node)));
    return;
  }
  const std::string factor = lowering.float_scalar(name + "_beta", beta);
  const std::string scaled = lowering.add("Mul", name + "_scaled", {lowering.operand(node, 0), factor});
  const std::string soft = lowering.add("Softplus", name + "_softplus", {scaled});
  lowering.bind(node, lowering.add("Div", name, {soft, factor}, {}, lowering.result_name(node)));
}

/// −softplus(−x): the logarithm of a sigmoid that has become 0 would be −∞.
void log_sigmoid(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const std::string negated = lowering.add("Neg", name + "_negated", {lowering.operand(node, 0)});
  const std::string soft = lowering.add("Softplus", name + "_softplus", {negated});
  lowering.bind(node, lowering.add("Neg", name, {soft}, {}, lowering.result_name(node)));
}

void selu(Lowering& lowering, const Node& node) {
  lowering.bind(node,
                lowering.add("Selu", node.name().str(), {lowering.operand(node, 0)}, {}, lowering.result_name(node)));
}

/// An ELU of x / alpha, times alpha: ONNX's own Celu takes FP32 only.
void celu(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const std::string alpha = lowering.float_scalar(name + "_alpha", number_attr(node, "alpha", 1));
  const std::string scaled = lowering.add("Div", name + "_scaled", {lowering.operand(node, 0), alpha});
  const std::string unit = lowering.add("Elu", name + "_elu", {scaled}, {{"alpha", 1.0}});
  lowering.bind(node, lowering.add("Mul", name, {unit, alpha}, {}, lowering.result_name(node)));
}

/// The first half, times the sigmoid of the second.
void glu(Lowering& lowering, const Node& node) {
  const std::string& name = node.name().str();
  const int64_t axis = front_axis(integer_attr(node, "dim", -1), rank_of(node));
  const std::string value = lowering.fresh_value(name + "_value"), gate = lowering.fresh_value(name + "_gate");
  lowering.add_multi("Split", name + "_split", {lowering.operand(node, 0)}, {value, gate},
                     {{"axis", axis}, {"num_outputs", int64_t{2}}});
  const std::string open = lowering.add("Sigmoid", name + "_sigmoid", {gate});
  lowering.bind(node, lowering.add("Mul", name, {value, open}, {}, lowering.result_name(node)));
}

/// A vector as the only row of a matrix.
void along_row(Lowering& lowering, const Node& node, const char* op_type) {
  const std::string& name = node.name().str();
  const std::string axes = lowering.integers(name + "_axes", {0});
  const std::string row = lowering.add("Unsqueeze", name + "_row", {operand_as_result(lowering, node, 0), axes});
  const std::string value =
      lowering.add(op_type, name, {row}, {{"axis", int64_t{1}}}, lowering.fresh_value(name + "_1"));
  lowering.bind(node, lowering.add("Squeeze", name + "_squeeze", {value, axes}, {}, lowering.result_name(node)));
}

OperatorLowering along_axis(const char* op_type) {
  return [op_type](Lowering& lowering, const Node& node) {
    const int64_t rank = rank_of(node);
    if (rank == 1 && lowering.options().backend->file.lacks_softmax_of_vectors)
      return along_row(lowering, node, op_type);
    const int64_t axis = front_axis(integer_attr(node, "dim", -1), rank);
    lowering.bind(node, lowering.add(op_type, node.name().str(), {operand_as_result(lowering, node, 0)},
                                     {{"axis", axis}}, lowering.result_name(node)));
  };
}

}  // namespace

OperatorLowerings activation_operator_lowerings() {
  return {{"aten.softplus.default", softplus},
          {"aten.log_sigmoid.default", log_sigmoid},
          {"aten.selu.default", selu},
          {"aten.celu.default", celu},
          {"aten.glu.default", glu},
          {"aten.softmax.int", along_axis("Softmax")},
          {"aten._softmax.default", along_axis("Softmax")},
          {"aten.log_softmax.int", along_axis("LogSoftmax")},
          {"aten._log_softmax.default", along_axis("LogSoftmax")}};
}

}  // namespace graftwork::core
