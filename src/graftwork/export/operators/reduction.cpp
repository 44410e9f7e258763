// Reductions and products.
#include "graftwork/base/error.h"
#include "graftwork/export/operator_lowering.h"

namespace graftwork {
namespace {

void reduce(Lowering& lowering, const Node& node, const char* op_type) {
  const std::string& name = node.name().str();
  const Attribute* dim = node.attrs().find("dim");
  std::vector<int64_t> axes = dim && !dim->is_none() ? integers_attr(node, "dim") : std::vector<int64_t>();
  const bool reduces_all = axes.empty();
  if (reduces_all) axes.resize(static_cast<size_t>(rank_of(node)));
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i] = reduces_all ? static_cast<int64_t>(i) : front_axis(axes[i], rank_of(node));
  }
  lowering.bind(
      node, lowering.add(op_type, name, {operand_as_result(lowering, node, 0), lowering.integers(name + "_axes", axes)},
                         {{"keepdims", int64_t{flag_attr(node, "keepdim", false)}}}, lowering.result_name(node)));
}

void mean(Lowering& lowering, const Node& node) { reduce(lowering, node, "ReduceMean"); }
void sum(Lowering& lowering, const Node& node) { reduce(lowering, node, "ReduceSum"); }
void amax(Lowering& lowering, const Node& node) { reduce(lowering, node, "ReduceMax"); }
void amin(Lowering& lowering, const Node& node) { reduce(lowering, node, "ReduceMin"); }

void vector_norm(Lowering& lowering, const Node& node) {
  const double order = number_attr(node, "ord", 2);
  if (order != 1 && order != 2) throw Error("export.attribute", "only norms of order 1 and 2 have an ONNX form");
  reduce(lowering, node, order == 1 ? "ReduceL1" : "ReduceL2");
}

void matmul(Lowering& lowering, const Node& node) {
  lowering.bind(node, lowering.add("MatMul", node.name().str(), {lowering.operand(node, 0), lowering.operand(node, 1)},
                                   {}, lowering.result_name(node)));
}

}  // namespace

OperatorLowerings reduction_lowerings() {
  return {{"aten.mean.dim", mean},
          {"aten.sum.dim_IntList", sum},
          {"aten.amax.default", amax},
          {"aten.amin.default", amin},
          {"aten.mean.default", mean},
          {"aten.sum.default", sum},
          {"aten.linalg_vector_norm.default", vector_norm},
          {"aten.matmul.default", matmul},
          {"aten.bmm.default", matmul},
          {"aten.mm.default", matmul}};
}

}  // namespace graftwork
