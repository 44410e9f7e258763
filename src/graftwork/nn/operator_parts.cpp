#include "graftwork/nn/operator_parts.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "graftwork/ir/operator_name.h"

namespace graftwork::core {
namespace {

int64_t longest_extent(const at::Tensor& whole) {
  const at::IntArrayRef sizes = whole.sizes();
  return sizes.empty() ? 1 : *std::ranges::max_element(sizes);
}

/// The longest one where the axis is none.
int64_t extent(const at::Tensor& whole, const c10::IValue& axis) {
  const int64_t at = axis.isInt() ? axis.toInt() + (axis.toInt() < 0 ? whole.dim() : 0) : -1;
  return at >= 0 && at < whole.dim() ? whole.size(at) : longest_extent(whole);
}

/// Of operators whose first two arguments are the tensor and how it is taken apart.
template <int64_t (*kCount)(const at::Tensor& whole, const torch::jit::Stack& arguments)>
int64_t counted(const torch::jit::Stack& arguments) {
  if (arguments.size() < 2 || !arguments[0].isTensor()) return 1;
  return kCount(arguments[0].toTensor(), arguments);
}

int64_t parts_of_unbind(const at::Tensor& whole, const torch::jit::Stack& arguments) {
  return extent(whole, arguments[1]);
}

int64_t parts_of_chunk(const at::Tensor& whole, const torch::jit::Stack& arguments) {
  const int64_t longest = longest_extent(whole);
  return arguments[1].isInt() ? std::clamp<int64_t>(arguments[1].toInt(), 1, std::max<int64_t>(longest, 1)) : longest;
}

/// By the length of a part, or by the lengths of all.
int64_t parts_of_split(const at::Tensor& whole, const torch::jit::Stack& arguments) {
  const c10::IValue& how = arguments[1];
  if (how.isIntList()) return static_cast<int64_t>(how.toIntVector().size());
  if (!how.isInt()) return longest_extent(whole);
  const int64_t length = extent(whole, arguments.back());
  return length < 1 ? 1 : (length - 1) / std::max<int64_t>(how.toInt(), 1) + 1;
}

/// By a number of them, or by where one ends and the next begins; as a tensor, too.
int64_t parts_of_tensor_split(const at::Tensor& /*whole*/, const torch::jit::Stack& arguments) {
  const c10::IValue& how = arguments[1];
  if (how.isInt()) return how.toInt();
  if (how.isIntList()) return static_cast<int64_t>(how.toIntVector().size()) + 1;
  if (!how.isTensor() || !how.toTensor().defined()) return 1;
  const at::Tensor& tensor = how.toTensor();
  if (tensor.dim() > 0) return tensor.numel() + 1;
  return tensor.device().is_cpu() ? tensor.to(at::kLong).item<int64_t>() : 1;
}

}  // namespace

OperatorParts find_operator_parts(Symbol op) {
  const std::string_view name = operator_name(op);
  if (name == "unbind") return counted<parts_of_unbind>;
  if (name == "chunk" || name == "unsafe_chunk") return counted<parts_of_chunk>;
  if (name == "split" || name == "unsafe_split" || name.ends_with("split_with_sizes")) return counted<parts_of_split>;
  return name == "tensor_split" ? counted<parts_of_tensor_split> : nullptr;
}

}  // namespace graftwork::core
