// Tensors of one number, and tensors that are repeated.
#include "graftwork/base/error.h"
#include "graftwork/export/operator_lowering.h"
#include "graftwork/export/runtime_shape.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork {
namespace {

const TensorType& result_of(const Node& node) {
  if (!node.tensor()) throw Error("export.shape", "its shape is not known");
  return *node.tensor();
}

/// A constant where the shape is known, else a number that is spread over it.
void fill(Lowering& lowering, const Node& node, double number) {
  const TensorType& type = result_of(node);
  const std::string& name = node.name().str();
  const at::ScalarType dtype = to_torch(lowering.exported_dtype(type.dtype));
  if (type.is_static()) {
    std::vector<int64_t> shape;
    for (const Dim& dim : type.dims) shape.push_back(dim.value());
    return lowering.bind(node, lowering.constant(name, at::full(shape, number, dtype)));
  }
  const std::string shape = lower_shape(lowering, name + "_shape", type);
  const std::string value = lowering.constant(name + "_value", at::scalar_tensor(number, dtype));
  lowering.bind(node, lowering.add("Expand", name, {value, shape}, {}, lowering.result_name(node)));
}

void zeros(Lowering& lowering, const Node& node) { fill(lowering, node, 0); }
void ones(Lowering& lowering, const Node& node) { fill(lowering, node, 1); }
void full(Lowering& lowering, const Node& node) { fill(lowering, node, number_attr(node, "fill_value", 0)); }

void expand(Lowering& lowering, const Node& node) {
  const std::string shape = lower_shape(lowering, node.name().str() + "_shape", result_of(node));
  lowering.bind(node, lowering.add("Expand", node.name().str(), {lowering.operand(node, 0), shape}, {},
                                   lowering.result_name(node)));
}

/// New dimensions come in front.
void repeat(Lowering& lowering, const Node& node) {
  const std::vector<int64_t> repeats = integers_attr(node, "repeats");
  const std::string& name = node.name().str();
  std::string value = lowering.operand(node, 0);
  const auto extra = static_cast<int64_t>(repeats.size()) - rank_of(node);
  if (extra > 0) {
    std::vector<int64_t> axes;
    for (int64_t axis = 0; axis < extra; ++axis) axes.push_back(axis);
    value = lowering.add("Unsqueeze", name + "_unsqueeze", {value, lowering.integers(name + "_axes", axes)});
  }
  lowering.bind(node, lowering.add("Tile", name, {value, lowering.integers(name + "_repeats", repeats)}, {},
                                   lowering.result_name(node)));
}

}  // namespace

OperatorLowerings creation_lowerings() {
  return {{"aten.zeros.default", zeros},   {"aten.zeros_like.default", zeros}, {"aten.new_zeros.default", zeros},
          {"aten.ones.default", ones},     {"aten.ones_like.default", ones},   {"aten.new_ones.default", ones},
          {"aten.full.default", full},     {"aten.full_like.default", full},   {"aten.new_full.default", full},
          {"aten.expand.default", expand}, {"aten.repeat.default", repeat}};
}

}  // namespace graftwork
