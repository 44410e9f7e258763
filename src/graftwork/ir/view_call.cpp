#include "graftwork/ir/view_call.h"

#include <algorithm>
#include <vector>

namespace graftwork::core {
namespace {

/// With −1 for what is known at run time only; nothing when there is more than one, or nothing is left.
std::optional<std::vector<int64_t>> sizes_of(std::span<const Dim> dims) {
  std::vector<int64_t> sizes;
  for (const Dim& extent : dims) sizes.push_back(extent.maybe_value().value_or(-1));
  const auto unknown = std::count(sizes.begin(), sizes.end(), -1);
  const bool is_empty = std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
  if (unknown > 1 || (unknown == 1 && is_empty)) return std::nullopt;
  return sizes;
}

}  // namespace

std::optional<ViewCall> view_call(std::span<const Dim> from, std::span<const Dim> to) {
  if (auto sizes = sizes_of(to)) return ViewCall{"aten.view.default", {{"size", Attribute(std::move(*sizes))}}};
  const size_t least = std::min(from.size(), to.size());
  size_t front = 0, back = 0;
  while (front < least && from[front] == to[front]) ++front;
  while (back < least - front && from[from.size() - 1 - back] == to[to.size() - 1 - back]) ++back;
  const std::span<const Dim> before = from.subspan(front, from.size() - front - back),
                             after = to.subspan(front, to.size() - front - back);
  const auto axis = static_cast<int64_t>(front);
  if (before.size() == 1 && after.size() > 1) {
    auto sizes = sizes_of(after);
    if (!sizes) return std::nullopt;
    return ViewCall{"aten.unflatten.int", {{"dim", axis}, {"sizes", Attribute(std::move(*sizes))}}};
  }
  if (after.size() == 1 && before.size() > 1) {
    const int64_t last = axis + static_cast<int64_t>(before.size()) - 1;
    return ViewCall{"aten.flatten.using_ints", {{"start_dim", axis}, {"end_dim", last}}};
  }
  return std::nullopt;
}

}  // namespace graftwork::core
