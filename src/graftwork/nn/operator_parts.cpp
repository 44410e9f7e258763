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

/// By a number of them, or by where one ends and the next begins; as a tensor, too.
int64_t parts_of_tensor_split(const c10::IValue& how) {
  if (how.isInt()) return how.toInt();
  if (how.isIntList()) return static_cast<int64_t>(how.toIntVector().size()) + 1;
  if (!how.isTensor() || !how.toTensor().defined()) return 1;
  const at::Tensor& tensor = how.toTensor();
  if (tensor.dim() > 0) return tensor.numel() + 1;
  return tensor.device().is_cpu() ? tensor.to(at::kLong).item<int64_t>() : 1;
}

}  // namespace

int64_t parts_of(Symbol op, const torch::jit::Stack& arguments) {
  const std::string_view name = operator_name(op);
  const bool chunks = name == "chunk" || name == "unsafe_chunk";
  const bool splits = name == "split" || name == "unsafe_split" || name.ends_with("split_with_sizes");
  if (!chunks && !splits && name != "unbind" && name != "tensor_split") return 1;
  if (arguments.size() < 2 || !arguments[0].isTensor()) return 1;
  const at::Tensor& whole = arguments[0].toTensor();
  const c10::IValue& how = arguments[1];
  if (name == "unbind") return extent(whole, how);
  if (name == "tensor_split") return parts_of_tensor_split(how);
  if (how.isIntList()) return static_cast<int64_t>(how.toIntVector().size());
  if (!how.isInt()) return longest_extent(whole);
  const int64_t number = std::max<int64_t>(how.toInt(), 1);
  if (chunks) return std::min(number, longest_extent(whole));
  const int64_t length = extent(whole, arguments.back());
  return length < 1 ? 1 : (length - 1) / number + 1;
}

}  // namespace graftwork::core
