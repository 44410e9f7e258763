// Elementwise operators, products and reductions.
#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/onnx/dims.h"
#include "graftwork/onnx/shape_rules.h"

namespace graftwork::core::onnx {
namespace {

Dims without_or_with_one(const Dims& dims, const std::vector<int64_t>& axes, bool keeps) {
  std::vector<bool> is_reduced(dims.size(), axes.empty());
  for (const int64_t axis : axes) is_reduced[front_axis(axis, dims.size())] = true;
  Dims result;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!is_reduced[i]) result.push_back(dims[i]);
    if (is_reduced[i] && keeps) result.emplace_back(int64_t{1});
  }
  return result;
}

}  // namespace

std::vector<Shape> same_shape(const Operands& operands) {
  return {operands.dims(0) ? Shape(*operands.dims(0)) : std::nullopt};
}

std::vector<Shape> quantized_shape(const Operands& operands) {
  // From opset 23 on the scale has a type of its own.
  if (operands.opset < 23 && operands.input(0) && operands.input(1) &&
      operands.input(0)->type != operands.input(1)->type)
    throw IllegalOperands("its scale is of another type than what it quantizes");
  return same_shape(operands);
}

std::vector<Shape> broadcast_shape(const Operands& operands) {
  Dims result;
  for (size_t i = 0; i < operands.inputs.size(); ++i) {
    if (!operands.dims(i)) return {std::nullopt};
    result = broadcast(result, *operands.dims(i));
  }
  return {result};
}

std::vector<Shape> matmul_shape(const Operands& operands) {
  if (!operands.dims(0) || !operands.dims(1)) return {std::nullopt};
  Dims a = *operands.dims(0), b = *operands.dims(1);
  if (a.empty() || b.empty()) throw IllegalOperands("a number has no product of matrices");
  const bool is_row = a.size() == 1, is_column = b.size() == 1;
  if (is_row) a.insert(a.begin(), int64_t{1});
  if (is_column) b.emplace_back(int64_t{1});
  merged(a.back(), b[b.size() - 2]);
  Dims result = broadcast({a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
  if (!is_row) result.push_back(a[a.size() - 2]);
  if (!is_column) result.push_back(b.back());
  return {result};
}

std::vector<Shape> gemm_shape(const Operands& operands) {
  if (!operands.dims(0) || !operands.dims(1)) return {std::nullopt};
  Dims a = *operands.dims(0), b = *operands.dims(1);
  if (a.size() != 2 || b.size() != 2) throw IllegalOperands("it takes matrices");
  if (operands.integer("transA", 0) != 0) std::swap(a[0], a[1]);
  if (operands.integer("transB", 0) != 0) std::swap(b[0], b[1]);
  merged(a[1], b[0]);
  const Dims result{a[0], b[1]};
  if (operands.dims(2) && broadcast(result, *operands.dims(2)).size() != 2)
    throw IllegalOperands("its addend has more than two dimensions");
  return {result};
}

std::vector<Shape> attention_shape(const Operands& operands) {
  if (!operands.dims(0) || !operands.dims(2)) return {std::nullopt};
  Dims result = *operands.dims(0);
  if (result.size() != 4 || operands.dims(2)->size() != 4) throw IllegalOperands("it takes four dimensions");
  result.back() = operands.dims(2)->back();
  return {result};
}

std::vector<Shape> reduced_shape(const Operands& operands) {
  const Dims* dims = operands.dims(0);
  const bool keeps = operands.integer("keepdims", 1) != 0;
  const bool names_axes = operands.node.inputs.size() > 1 && !operands.node.inputs[1].empty();
  const auto axes = names_axes ? operands.integers(1) : std::optional(std::vector<int64_t>());
  if (!dims || (axes && axes->empty() && operands.integer("noop_with_empty_axes", 0) != 0)) return same_shape(operands);
  if (axes) return {without_or_with_one(*dims, *axes, keeps)};
  return {keeps ? Shape(unknown_dims(dims->size())) : std::nullopt};
}

std::vector<Shape> arg_reduced_shape(const Operands& operands) {
  if (!operands.dims(0)) return {std::nullopt};
  return {without_or_with_one(*operands.dims(0), {operands.integer("axis", 0)}, operands.integer("keepdims", 1) != 0)};
}

}  // namespace graftwork::core::onnx
