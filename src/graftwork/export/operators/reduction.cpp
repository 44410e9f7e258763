// Reductions and products.
#include "graftwork/base/error.h"
#include "graftwork/export/form.h"

namespace graftwork::core {
namespace {

void reduce(Lowering& lowering, const Node& node, const char* op_type) {
  const std::string& name = node.name().str();
  const Attribute* dim = node.attrs().find("dim");
  std::vector<int64_t> axes = dim && !dim->is_none() ? integers_attr(node, "dim") : std::vector<int64_t>();
  if (rank_of(node) == 0) {  // a row of one number
    Form form(lowering, node);
    return form.result(op_type, {form.reshape(form.as_result(0), {1}), form.list({0})}, {{"keepdims", int64_t{0}}});
  }
  const bool reduces_all = axes.empty();
  if (reduces_all) axes.resize(static_cast<size_t>(rank_of(node)));
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i] = reduces_all ? static_cast<int64_t>(i) : front_axis(axes[i], rank_of(node));
  }
  lowering.bind(
      node, lowering.add(op_type, name, {operand_as_result(lowering, node, 0), lowering.integers(name + "_axes", axes)},
                         {{"keepdims", int64_t{flag_attr(node, "keepdim", false)}}}, lowering.result_name(node)));
}

/// Truth values are 0 and 1 while the greatest or least of them is looked for.
void extreme(Lowering& lowering, const Node& node, const char* op_type) {
  if (!node.tensor() || node.tensor()->dtype != DType::kBool) return reduce(lowering, node, op_type);
  Form form(lowering, node);
  if (form.rank() == 0) return form.result(form.operand(0));
  const std::string found = form.add(op_type, {form.operand(0, DType::kI32), form.list(form.axes())},
                                     {{"keepdims", int64_t{form.flag("keepdim") ? 1 : 0}}});
  form.result("Cast", {found}, {{"to", onnx::data_type(DType::kBool)}});
}

void mean(Lowering& lowering, const Node& node) { reduce(lowering, node, "ReduceMean"); }
void sum(Lowering& lowering, const Node& node) { reduce(lowering, node, "ReduceSum"); }
void amax(Lowering& lowering, const Node& node) { extreme(lowering, node, "ReduceMax"); }
void amin(Lowering& lowering, const Node& node) { extreme(lowering, node, "ReduceMin"); }

void prod(Lowering& lowering, const Node& node) { reduce(lowering, node, "ReduceProd"); }
void logsumexp(Lowering& lowering, const Node& node) { reduce(lowering, node, "ReduceLogSumExp"); }

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
          {"aten.prod.default", prod},
          {"aten.prod.dim_int", prod},
          {"aten.logsumexp.default", logsumexp},
          {"aten.matmul.default", matmul},
          {"aten.bmm.default", matmul},
          {"aten.mm.default", matmul}};
}

}  // namespace graftwork::core
