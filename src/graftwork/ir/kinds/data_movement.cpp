// ATen operators that move data: views, permutations, concatenation, parts, padding.
#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {
namespace {

Type view_shape(const ShapeQuery& query, Symbol attr) {
  const TensorType& input = query.tensor(0);
  const bool has_runtime_extent = query.attr(attr).get<Attribute::List>() != nullptr;
  if (has_runtime_extent) return {};
  TensorType result{input.dtype, {}};
  std::optional<size_t> open;
  Dim known(1);
  for (const int64_t extent : query.integers(attr)) {
    if (extent < -1 || (extent == -1 && open))
      refuse_shape(cat("cannot view ", input.text(), " as ", query.attr(attr).text()));
    if (extent == -1) {
      open = result.dims.size();
    } else {
      known = known * Dim(extent);
    }
    result.dims.emplace_back(extent);
  }
  Dim all(1);
  for (const Dim& dim : input.dims) all = all * dim;
  if (!open) {
    if (all != known) refuse_shape(cat("cannot view ", input.text(), " as ", result.text()));
    return result;
  }
  if (!known.is_static() || known.value() == 0) refuse_shape(cat("cannot view ", input.text(), " as ", result.text()));
  result.dims[*open] = all.floor_div(known.value());
  if (result.dims[*open] * known != all) refuse_shape(cat("cannot view ", input.text(), " as ", result.text()));
  return result;
}

Type permute_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  TensorType result{input.dtype, {}};
  if (query.integers("dims").size() != input.rank()) refuse_shape(cat("permutation does not fit ", input.text()));
  for (const int64_t axis : query.integers("dims"))
    result.dims.push_back(input.dims[axis_of(axis, input.rank(), query)]);
  return result;
}

Type transpose_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  std::swap(result.dims[axis_of(query.integer("dim0"), result.rank(), query)],
            result.dims[axis_of(query.integer("dim1"), result.rank(), query)]);
  return result;
}

Type cat_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const size_t axis = axis_of(integer_or(query, "dim", 0), result.rank(), query);
  for (size_t i = 1; i < query.inputs.size(); ++i) {
    TensorType other = query.tensor(i);
    if (other.rank() != result.rank()) refuse_shape(cat("cannot concatenate ", result.text(), " and ", other.text()));
    result.dims[axis] = result.dims[axis] + other.dims[axis];
    other.dims[axis] = result.dims[axis];
    if (other != result)
      refuse_shape(cat("cannot concatenate ", query.tensor(0).text(), " and ", query.tensor(i).text()));
  }
  return result;
}

Type flatten_operator_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  const size_t start = axis_of(integer_or(query, "start_dim", 0), input.rank(), query);
  const size_t end = axis_of(integer_or(query, "end_dim", -1), input.rank(), query);
  if (start > end) refuse_shape(cat("cannot flatten ", start, "..", end, " of ", input.text()));
  TensorType result{input.dtype, {}};
  Dim product(1);
  for (size_t axis = 0; axis < input.rank(); ++axis) {
    if (axis < start || axis > end) {
      result.dims.push_back(input.dims[axis]);
      continue;
    }
    product = product * input.dims[axis];
    if (axis == end) result.dims.push_back(product);
  }
  return result;
}

Type unsqueeze_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const size_t axis = axis_of(query.integer("dim"), result.rank() + 1, query);
  result.dims.insert(result.dims.begin() + static_cast<std::ptrdiff_t>(axis), Dim(1));
  return result;
}

/// −1 keeps an extent; further dimensions come in front.
Type expand_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  const auto* sizes = query.attr("size").get<std::vector<int64_t>>();
  if (!sizes) return {};
  if (sizes->size() < input.rank()) refuse_shape(cat("cannot expand ", input.text()));
  TensorType result{input.dtype, {}};
  const size_t further = sizes->size() - input.rank();
  for (size_t i = 0; i < sizes->size(); ++i) {
    const int64_t size = (*sizes)[i];
    const Dim* extent = i < further ? nullptr : &input.dims[i - further];
    const bool keeps = extent && size == -1;
    const bool fits = keeps || (size >= 0 && (!extent || *extent == Dim(1) || *extent == Dim(size)));
    if (!fits) refuse_shape(cat("cannot expand ", input.text(), " to ", query.attr("size").text()));
    result.dims.push_back(keeps ? *extent : Dim(size));
  }
  return result;
}

Type squeeze_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const size_t axis = axis_of(query.integer("dim"), result.rank(), query);
  if (result.dims[axis] == Dim(1)) result.dims.erase(result.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  return result;
}

/// An attribute that is an integer; nothing when it is a run-time value.
std::optional<int64_t> static_integer(const ShapeQuery& query, Symbol attr, int64_t fallback) {
  const Attribute* value = query.attrs.find(attr);
  if (!value || value->is_none()) return fallback;
  const int64_t* whole = value->get<int64_t>();
  return whole ? std::optional(*whole) : std::nullopt;
}

Type slice_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const size_t axis = axis_of(integer_or(query, "dim", 0), result.rank(), query);
  const auto start = static_integer(query, "start", 0);
  const auto end = static_integer(query, "end", INT64_MAX);
  const int64_t step = integer_or(query, "step", 1);
  if (step < 1) refuse_shape(cat("a slice takes steps of at least 1, not ", step));
  const auto extent = result.dims[axis].maybe_value();
  if (!extent) {
    if (start && *start == 0 && end && *end == INT64_MAX && step == 1) return query.inputs[0];
    return {};
  }
  if (!start || !end) return {};
  const auto clamped = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + *extent : at, 0, *extent); };
  const int64_t count = std::max<int64_t>(clamped(*end) - clamped(*start), 0);
  result.dims[axis] = Dim(count / step + (count % step != 0 ? 1 : 0));
  return result;
}

Type select_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const size_t axis = axis_of(query.integer("dim"), result.rank(), query);
  result.dims.erase(result.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  return result;
}

/// One axis becomes several; one extent may be −1.
Type unflatten_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const size_t axis = axis_of(query.integer("dim"), result.rank(), query);
  const auto* sizes = query.attr("sizes").get<std::vector<int64_t>>();
  if (!sizes) return {};
  if (sizes->empty()) refuse_shape(cat("cannot unflatten axis ", axis, " of ", result.text(), " into nothing"));
  TensorType whole{result.dtype, {result.dims[axis]}};
  AttrMap attrs;
  attrs.set("size", Attribute(*sizes));
  const Type input(whole);
  const Type parts = view_shape({std::span(&input, 1), attrs}, "size");
  const auto at = result.dims.erase(result.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  result.dims.insert(at, parts.tensor()->dims.begin(), parts.tensor()->dims.end());
  return result;
}

/// Views of one place each along an axis.
Type unbind_shape(const ShapeQuery& query) {
  TensorType part = query.tensor(0);
  const size_t axis = axis_of(integer_or(query, "dim", 0), part.rank(), query);
  const auto count = part.dims[axis].maybe_value();
  if (!count) return {};
  if (*count > kMostParts) refuse_shape(cat("cannot split ", part.text(), " into ", *count, " parts"));
  part.dims.erase(part.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  return Type::tuple(std::vector<Type>(static_cast<size_t>(*count), Type(std::move(part))));
}

Type parts_of(const TensorType& whole, size_t axis, std::span<const int64_t> extents) {
  std::vector<Type> parts;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (i > 0 && extents[i] == extents[i - 1]) {
      parts.push_back(parts.back());  // one object serves all equal neighbours
      continue;
    }
    TensorType part = whole;
    part.dims[axis] = Dim(extents[i]);
    parts.emplace_back(std::move(part));
  }
  return Type::tuple(std::move(parts));
}

/// Parts of `size`, the last one with what is left.
Type equal_parts(const ShapeQuery& query, size_t axis, int64_t size) {
  const TensorType& whole = query.tensor(0);
  const int64_t extent = whole.dims[axis].value();
  if (size < 1 || extent / size > kMostParts) refuse_shape(cat("cannot split ", whole.text(), " into parts of ", size));
  std::vector<int64_t> extents;
  for (int64_t left = extent; left > 0; left -= extents.back()) extents.push_back(std::min(size, left));
  return parts_of(whole, axis, extents);
}

Type split_shape(const ShapeQuery& query) {
  const size_t axis = axis_of(integer_or(query, "dim", 0), query.tensor(0).rank(), query);
  const auto size = static_integer(query, "split_size", 0);
  if (!size || !query.tensor(0).dims[axis].is_static()) return {};
  return equal_parts(query, axis, *size);
}

Type chunk_shape(const ShapeQuery& query) {
  const size_t axis = axis_of(integer_or(query, "dim", 0), query.tensor(0).rank(), query);
  const auto extent = query.tensor(0).dims[axis].maybe_value();
  const int64_t chunks = query.integer("chunks");
  if (chunks < 1) refuse_shape(cat("cannot split into ", chunks, " chunks"));
  if (!extent) return {};
  return equal_parts(query, axis, std::max<int64_t>(*extent / chunks + (*extent % chunks != 0 ? 1 : 0), 1));
}

Type split_with_sizes_shape(const ShapeQuery& query) {
  const TensorType& whole = query.tensor(0);
  const size_t axis = axis_of(integer_or(query, "dim", 0), whole.rank(), query);
  const auto* sizes = query.attr("split_sizes").get<std::vector<int64_t>>();
  if (!sizes) return {};
  int64_t sum = 0;
  for (const int64_t size : *sizes) {
    if (size < 0 || __builtin_add_overflow(sum, size, &sum)) refuse_shape(cat("cannot split ", whole.text()));
  }
  if (whole.dims[axis].is_static() && sum != whole.dims[axis].value())
    refuse_shape(cat("parts of ", query.attr("split_sizes").text(), " do not make up ", whole.text()));
  return parts_of(whole, axis, *sizes);
}

/// Two numbers for each dimension, from the last one on.
Type pad_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const auto* pad = query.attr("pad").get<std::vector<int64_t>>();
  if (!pad) return {};
  if (pad->size() % 2 != 0 || pad->size() / 2 > result.rank())
    refuse_shape(cat("padding ", query.attr("pad").text(), " does not fit ", result.text()));
  for (size_t i = 0; i < pad->size() / 2; ++i) {
    Dim& dim = result.dims[result.rank() - 1 - i];
    dim = dim + Dim((*pad)[2 * i]) + Dim((*pad)[2 * i + 1]);
    if (dim.is_static() && dim.value() < 0) refuse_shape(cat("padding leaves nothing of ", query.tensor(0).text()));
  }
  return result;
}

Type stack_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  for (size_t i = 1; i < query.inputs.size(); ++i) {
    if (query.tensor(i) != result) refuse_shape(cat("cannot stack ", result.text(), " and ", query.tensor(i).text()));
  }
  const size_t axis = axis_of(integer_or(query, "dim", 0), result.rank() + 1, query);
  result.dims.insert(result.dims.begin() + static_cast<std::ptrdiff_t>(axis),
                     Dim(static_cast<int64_t>(query.inputs.size())));
  return result;
}

}  // namespace

std::vector<Kind> data_movement_kinds() {
  const auto viewing = [](Symbol attr) { return [attr](const ShapeQuery& query) { return view_shape(query, attr); }; };
  return {operator_kind("aten.view.default", viewing("size"), 1, SIZE_MAX),
          operator_kind("aten.reshape.default", viewing("shape"), 1, SIZE_MAX),
          operator_kind("aten.flatten.using_ints", flatten_operator_shape),
          operator_kind("aten.permute.default", permute_shape),
          operator_kind("aten.transpose.int", transpose_shape),
          operator_kind("aten.unsqueeze.default", unsqueeze_shape),
          operator_kind("aten.expand.default", expand_shape, 1, SIZE_MAX),
          operator_kind("aten.squeeze.dim", squeeze_shape),
          operator_kind("aten.cat.default", cat_shape, 1, SIZE_MAX),
          operator_kind("aten.stack.default", stack_shape, 1, SIZE_MAX),
          operator_kind("aten.slice.Tensor", slice_shape, 1, SIZE_MAX),
          operator_kind("aten.select.int", select_shape),
          operator_kind("aten.split.Tensor", split_shape),
          operator_kind("aten.split_with_sizes.default", split_with_sizes_shape),
          operator_kind("aten.chunk.default", chunk_shape),
          operator_kind("aten.unflatten.int", unflatten_shape),
          operator_kind("aten.unbind.int", unbind_shape),
          operator_kind("aten.pad.default", pad_shape),
          operator_kind("aten.constant_pad_nd.default", pad_shape)};
}

}  // namespace graftwork::core
