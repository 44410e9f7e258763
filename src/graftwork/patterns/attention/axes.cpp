#include "graftwork/patterns/attention/axes.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "graftwork/ir/operator_name.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

/// Joins what follows each other in the source, and drops extents of 1.
void normalize(std::vector<Axis>& axes) {
  std::vector<Axis> joined;
  for (const Axis& axis : axes) {
    if (axis.extent == Dim(1)) continue;
    if (!joined.empty() && joined.back().source == axis.source && axis.extent.is_static() &&
        joined.back().stride == axis.stride * axis.extent.value()) {
      joined.back() = {axis.source, axis.stride, joined.back().extent * axis.extent};
    } else {
      joined.push_back(axis);
    }
  }
  axes = std::move(joined);
}

/// Nothing where it is no whole number of places.
std::optional<Dim> quotient(const Dim& whole, const Dim& part) {
  if (whole == part) return Dim(1);
  if (part.is_static()) {
    const auto value = whole.maybe_value();
    if (part.value() < 1) return std::nullopt;
    if (value) return *value % part.value() == 0 ? std::optional(Dim(*value / part.value())) : std::nullopt;
    if (whole.offset() != 0 || whole.scale() % part.value() != 0) return std::nullopt;
    return Dim::symbol(whole.base()) * Dim(whole.scale() / part.value());
  }
  const bool is_multiple = whole.base() == part.base() && whole.offset() == 0 && part.offset() == 0;
  if (!is_multiple || part.scale() < 1 || whole.scale() % part.scale() != 0) return std::nullopt;
  return Dim(whole.scale() / part.scale());
}

size_t axis_number(int64_t axis, size_t rank) {
  return static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
}

bool is_axis(int64_t axis, size_t rank) {
  const auto extent = static_cast<int64_t>(rank);
  return axis >= -extent && axis < extent;
}

std::optional<Layout> viewed(const Layout& input, const TensorType& type) {
  std::vector<Axis> open = input.axes();
  std::reverse(open.begin(), open.end());  // the outermost is at the end
  Layout result{{}, input.offsets};
  for (const Dim& extent : type.dims) {
    std::vector<Axis> axes;
    Dim left(1);  // product of what was taken
    while (left != extent) {
      if (open.empty()) return std::nullopt;
      Axis axis = open.back();
      open.pop_back();
      const auto outer = quotient(extent, left);
      const auto inner = outer ? quotient(axis.extent, *outer) : std::nullopt;
      if (inner && inner->is_static() && inner->value() > 1) {
        // Its outer part belongs here, the inner one to what follows.
        open.push_back({axis.source, axis.stride, *inner});
        axis = {axis.source, axis.stride * inner->value(), *outer};
      }
      left = left * axis.extent;
      axes.push_back(axis);
      if (left.is_static() && extent.is_static() && left.value() > extent.value()) return std::nullopt;
    }
    normalize(axes);
    result.dims.push_back(std::move(axes));
  }
  return open.empty() ? std::optional(std::move(result)) : std::nullopt;
}

/// Places begin ≤ i < begin + count of a dimension.
std::optional<Layout> part_of(Layout layout, size_t dim, int64_t begin, int64_t count) {
  std::vector<Axis>& axes = layout.dims[dim];
  if (axes.empty()) return begin == 0 && count == 1 ? std::optional(std::move(layout)) : std::nullopt;
  int64_t inner = 1;
  for (size_t i = 1; i < axes.size(); ++i) {
    if (!axes[i].extent.is_static()) return std::nullopt;
    inner *= axes[i].extent.value();
  }
  if (begin % inner != 0 || count % inner != 0 || begin < 0 || count < 0) return std::nullopt;
  layout.offsets[axes[0].source] += begin / inner * axes[0].stride;
  axes[0].extent = Dim(count / inner);
  normalize(axes);
  return layout;
}

std::optional<Layout> without(std::optional<Layout> layout, size_t dim) {
  if (layout) layout->dims.erase(layout->dims.begin() + static_cast<std::ptrdiff_t>(dim));
  return layout;
}

std::optional<Layout> permuted(const Node& node, const Layout& input) {
  const size_t rank = input.dims.size();
  Layout result{{}, input.offsets};
  if (node.op() == Symbol("aten.transpose.int")) {
    const int64_t a = integer_of(node, "dim0", 0), b = integer_of(node, "dim1", 0);
    if (!is_axis(a, rank) || !is_axis(b, rank)) return std::nullopt;
    result.dims = input.dims;
    std::swap(result.dims[axis_number(a, rank)], result.dims[axis_number(b, rank)]);
    return result;
  }
  const auto dims = integers_of(node, "dims", rank, 0);
  if (!dims || dims->size() != rank) return std::nullopt;
  for (const int64_t axis : *dims) {
    if (!is_axis(axis, rank)) return std::nullopt;
    result.dims.push_back(input.dims[axis_number(axis, rank)]);
  }
  return result;
}

std::optional<Layout> selected(const Node& node, const Layout& input) {
  const int64_t dim = integer_of(node, "dim", 0), index = integer_of(node, "index", -1);
  if (!is_axis(dim, input.dims.size()) || index < 0) return std::nullopt;
  return without(part_of(input, axis_number(dim, input.dims.size()), index, 1), axis_number(dim, input.dims.size()));
}

std::optional<Layout> sliced(const Node& node, const Layout& input) {
  const TensorType *from = node.input(0).tensor(), *to = node.tensor();
  const int64_t dim = integer_of(node, "dim", 0), start = integer_of(node, "start", 0);
  if (!from || !to || node.input_count() != 1 || integer_of(node, "step", 1) != 1 || !is_axis(dim, input.dims.size()))
    return std::nullopt;
  const size_t axis = axis_number(dim, input.dims.size());
  if (from->dims[axis] == to->dims[axis]) return input;
  const auto whole = from->dims[axis].maybe_value(), count = to->dims[axis].maybe_value();
  if (!whole || !count) return std::nullopt;
  return part_of(input, axis, std::clamp<int64_t>(start < 0 ? start + *whole : start, 0, *whole), *count);
}

/// Element `item` of what splits a dimension.
std::optional<Layout> part(const Node& split, const Node& item, const Layout& input) {
  const auto* types = split.type().elements();
  const int64_t dim = integer_of(split, "dim", 0);
  if (!types || split.input_count() != 1 || !is_axis(dim, input.dims.size())) return std::nullopt;
  const size_t axis = axis_number(dim, input.dims.size());
  const auto number = static_cast<size_t>(item.item_index());
  if (split.op() == Symbol("aten.unbind.int")) return without(part_of(input, axis, item.item_index(), 1), axis);
  int64_t begin = 0;
  for (size_t i = 0; i <= number; ++i) {
    const TensorType* type = (*types)[i].tensor();
    const auto count = type && axis < type->rank() ? type->dims[axis].maybe_value() : std::nullopt;
    if (!count) return std::nullopt;
    if (i == number) return part_of(input, axis, begin, *count);
    begin += *count;
  }
  return std::nullopt;
}

/// Whether what a view reads besides its input are extents: the type of its result says them.
bool reads_sizes_alone(const Node& view) {
  return std::all_of(view.inputs().begin() + 1, view.inputs().end(),
                     [](const Use& use) { return use.producer()->type().scalar() == ScalarType::kInt; });
}

using Mover = std::function<std::optional<Layout>(const Node&, const Layout&)>;

const std::unordered_map<Symbol, Mover>& movers() {
  const Mover view = [](const Node& node, const Layout& input) -> std::optional<Layout> {
    if (!node.tensor() || !reads_sizes_alone(node)) return std::nullopt;
    return viewed(input, *node.tensor());
  };
  const Mover same = [](const Node&, const Layout& input) { return input; };
  static const std::unordered_map<Symbol, Mover> all{
      {"aten.view.default", view},       {"aten.reshape.default", view},     {"aten._unsafe_view.default", view},
      {"aten.unsqueeze.default", view},  {"aten.squeeze.dim", view},         {"aten.squeeze.dims", view},
      {"aten.flatten.using_ints", view}, {"aten.unflatten.int", view},       {"nn.Flatten", view},
      {"aten.transpose.int", permuted},  {"aten.permute.default", permuted}, {"aten.select.int", selected},
      {"aten.slice.Tensor", sliced},     {"aten.contiguous.default", same},  {"aten.clone.default", same}};
  return all;
}

bool splits(Symbol op) {
  static const std::vector<Symbol> kOps{"aten.unbind.int", "aten.split.Tensor", "aten.split_with_sizes.default",
                                        "aten.chunk.default"};
  return is_one_of(op, kOps);
}

}  // namespace

Layout Layout::of(const TensorType& source) {
  Layout layout;
  for (size_t dim = 0; dim < source.rank(); ++dim) {
    layout.dims.push_back({{dim, 1, source.dims[dim]}});
    normalize(layout.dims.back());
    layout.offsets.push_back(0);
  }
  return layout;
}

std::vector<Axis> Layout::axes() const {
  std::vector<Axis> all;
  for (const std::vector<Axis>& dim : dims) all.insert(all.end(), dim.begin(), dim.end());
  return all;
}

std::optional<Layout> moved(const Node& node, const Layout& input) {
  if (node.kind() == NodeKind::kGetItem)
    return splits(node.input(0).op()) ? part(node.input(0), node, input) : std::nullopt;
  const auto mover = movers().find(node.op());
  return mover == movers().end() ? std::nullopt : mover->second(node, input);
}

bool moves_data(const Node& node) {
  if (node.kind() == NodeKind::kGetItem) return splits(node.input(0).op());
  return splits(node.op()) || movers().contains(node.op());
}

}  // namespace graftwork::core
