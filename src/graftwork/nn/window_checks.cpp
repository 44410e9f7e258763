#include "graftwork/nn/window_checks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace graftwork::core {
namespace {

using Stack = torch::jit::Stack;

/// Products of two, and sums of those, fit 64 bits.
constexpr int64_t kMostOfWindow = int64_t{1} << 30;

bool lie_within(at::IntArrayRef numbers, int64_t least) {
  return std::ranges::all_of(numbers, [least](int64_t number) { return number >= least && number <= kMostOfWindow; });
}

int64_t at_axis(at::IntArrayRef numbers, size_t axis, int64_t otherwise) {
  if (numbers.empty()) return otherwise;
  return numbers.size() == 1 ? numbers[0] : numbers[std::min(axis, numbers.size() - 1)];
}

std::vector<int64_t> integers(const c10::IValue& argument) {
  return argument.isInt() ? std::vector{argument.toInt()} : argument.toIntVector();
}

Outcome check_adaptive_pool(const Stack& arguments, int64_t spatial) {
  const at::Tensor& input = arguments.at(0).toTensor();
  const std::vector<int64_t> sizes = integers(arguments.at(1));
  if (static_cast<int64_t>(sizes.size()) != spatial || input.dim() < spatial + 1 || input.dim() > spatial + 2)
    return declined("its sizes are not those of its input's dimensions");
  return std::ranges::all_of(sizes, [](int64_t size) { return size >= 0; }) ? applied()
                                                                            : declined("it pools to less than nothing");
}

/// kernel, dilation, padding, stride, from `first` on.
Outcome check_columns(const Stack& arguments, size_t first) {
  for (const size_t i : {first, first + 1, first + 3}) {
    if (!lie_within(integers(arguments.at(i)), 1)) return declined("its windows make no sense");
  }
  return lie_within(integers(arguments.at(first + 2)), 0) ? applied() : declined("its windows make no sense");
}

}  // namespace

Outcome check_windows(const at::Tensor& input, at::IntArrayRef kernel, at::IntArrayRef stride, at::IntArrayRef padding,
                      at::IntArrayRef dilation) {
  if (kernel.empty() || !lie_within(kernel, 1) || !lie_within(stride, 1) || !lie_within(dilation, 1) ||
      !lie_within(padding, 0))
    return declined("its windows make no sense");
  const auto spatial = static_cast<int64_t>(std::max({kernel.size(), stride.size(), padding.size(), dilation.size()}));
  for (int64_t i = 0; i < std::min(spatial, input.dim()); ++i) {
    const auto axis = static_cast<size_t>(i);
    const int64_t window = at_axis(dilation, axis, 1) * (at_axis(kernel, axis, 1) - 1);
    const int64_t step = at_axis(stride, axis, at_axis(kernel, axis, 1));
    const int64_t extent = input.size(input.dim() - std::min(spatial, input.dim()) + i);
    if (window > extent + 2 * at_axis(padding, axis, 0) + step)
      return declined("its windows are larger than its input");
  }
  return applied();
}

Outcome check_average_pool(const Stack& arguments) {
  return check_windows(arguments.at(0).toTensor(), integers(arguments.at(1)), integers(arguments.at(2)),
                       integers(arguments.at(3)), {});
}

Outcome check_greatest_pool(const Stack& arguments) {
  return check_windows(arguments.at(0).toTensor(), integers(arguments.at(1)), integers(arguments.at(2)),
                       integers(arguments.at(3)), integers(arguments.at(4)));
}

Outcome check_adaptive_pool_1d(const Stack& arguments) { return check_adaptive_pool(arguments, 1); }
Outcome check_adaptive_pool_2d(const Stack& arguments) { return check_adaptive_pool(arguments, 2); }
Outcome check_adaptive_pool_3d(const Stack& arguments) { return check_adaptive_pool(arguments, 3); }

Outcome check_columns_to_picture(const Stack& arguments) {
  if (!lie_within(integers(arguments.at(1)), 1)) return declined("its picture has no sizes");
  return check_columns(arguments, 2);
}

Outcome check_picture_to_columns(const Stack& arguments) { return check_columns(arguments, 1); }

}  // namespace graftwork::core
