// ATen operators whose shape the graph must know after a graft. Operators that are not here keep the
// type that their importer recorded.
#include <array>

#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork {
namespace {

Kind op(Symbol name, std::function<Type(const ShapeQuery&)> shape, size_t min_inputs = 1, size_t max_inputs = 1) {
  Kind kind;
  kind.name = name;
  kind.family = Family::kOperator;
  kind.min_inputs = min_inputs;
  kind.max_inputs = max_inputs;
  kind.shape = std::move(shape);
  return kind;
}

size_t axis_of(int64_t axis, size_t rank, const ShapeQuery& query) {
  const auto extent = static_cast<int64_t>(rank);
  if (axis < -extent || axis >= extent) refuse_shape(cat("axis ", axis, " is outside ", query.tensor(0).text()));
  return static_cast<size_t>(axis < 0 ? axis + extent : axis);
}

int64_t integer_or(const ShapeQuery& query, Symbol attr, int64_t fallback) {
  return query.attrs.find(attr) ? query.integer(attr) : fallback;
}

enum class Category : uint8_t { kBool, kInteger, kFloat };

Category category(DType type) {
  if (is_floating(type)) return Category::kFloat;
  return type == DType::kBool ? Category::kBool : Category::kInteger;
}

Category category(const Attribute& number) {
  if (number.get<double>()) return Category::kFloat;
  return number.get<bool>() ? Category::kBool : Category::kInteger;
}

/// A number lifts a tensor of a lower category to the default type of its own.
DType promoted(DType tensor, Category number) {
  if (category(tensor) >= number) return tensor;
  return number == Category::kFloat ? DType::kF32 : DType::kI64;
}

/// Null where both have dimensions (or neither has) and differ within a category, or one widens the other: rare
/// enough to leave to the importer. A tensor without dimensions counts as a number within its category.
/// Source: "Type promotion", PyTorch documentation of tensor attributes.
std::optional<DType> promoted(const TensorType& a, const TensorType& b) {
  if (a.dtype == b.dtype) return a.dtype;
  if (category(a.dtype) != category(b.dtype)) return category(a.dtype) > category(b.dtype) ? a.dtype : b.dtype;
  if ((a.rank() == 0) == (b.rank() == 0)) return std::nullopt;
  return a.rank() == 0 ? b.dtype : a.dtype;
}

/// The element type of a result that is never an integer.
DType floating(DType type) { return is_floating(type) ? type : DType::kF32; }

Type broadcast_shape(const ShapeQuery& query) {
  const TensorType& a = query.tensor(0);
  if (query.inputs.size() == 1) return TensorType{promoted(a.dtype, category(query.attr("other"))), a.dims};
  const TensorType& b = query.tensor(1);
  auto dims = broadcast(a.dims, b.dims);
  if (!dims) refuse_shape(cat("shapes ", a.text(), " and ", b.text(), " do not broadcast"));
  const auto dtype = promoted(a, b);
  return dtype ? Type(TensorType{*dtype, *std::move(dims)}) : Type();
}

Type true_division_shape(const ShapeQuery& query) {
  Type plain = broadcast_shape(query);
  if (!plain.tensor()) return plain;
  return TensorType{floating(plain.tensor()->dtype), plain.tensor()->dims};
}

Type floating_shape(const ShapeQuery& query) {
  return TensorType{floating(query.tensor(0).dtype), query.tensor(0).dims};
}

/// Of softmax and reductions: computed in `dtype` where it is given.
DType dtype_or(const ShapeQuery& query, DType fallback) {
  const Attribute* given = query.attrs.find("dtype");
  const DType* dtype = given ? given->get<DType>() : nullptr;
  return dtype ? *dtype : fallback;
}

Type softmax_shape(const ShapeQuery& query) {
  return TensorType{dtype_or(query, query.tensor(0).dtype), query.tensor(0).dims};
}

/// Bounds may be integers or floats, or none.
Type clamp_shape(const ShapeQuery& query) {
  DType dtype = query.tensor(0).dtype;
  for (const Symbol bound : {"min", "max"}) {
    const Attribute* value = query.attrs.find(bound);
    if (value && !value->is_none()) dtype = promoted(dtype, category(*value));
  }
  return TensorType{dtype, query.tensor(0).dims};
}

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

Type mean_shape(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  const bool keep = query.attrs.find("keepdim") && query.flag("keepdim");
  const Attribute* dim = query.attrs.find("dim");
  const bool all = !dim || dim->is_none() || query.integers("dim").empty();
  std::vector<bool> reduced(input.rank(), all);
  for (const int64_t axis : all ? std::vector<int64_t>() : query.integers("dim")) {
    reduced[axis_of(axis, input.rank(), query)] = true;
  }
  TensorType result{dtype_or(query, input.dtype), {}};
  for (size_t axis = 0; axis < input.rank(); ++axis) {
    if (!reduced[axis]) result.dims.push_back(input.dims[axis]);
    if (reduced[axis] && keep) result.dims.emplace_back(1);
  }
  return result;
}

Type unsqueeze_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const size_t axis = axis_of(query.integer("dim"), result.rank() + 1, query);
  result.dims.insert(result.dims.begin() + static_cast<std::ptrdiff_t>(axis), Dim(1));
  return result;
}

Type squeeze_shape(const ShapeQuery& query) {
  TensorType result = query.tensor(0);
  const size_t axis = axis_of(query.integer("dim"), result.rank(), query);
  if (result.dims[axis] == Dim(1)) result.dims.erase(result.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  return result;
}

Type cast_shape(const ShapeQuery& query) {
  const DType* dtype = query.attr("dtype").get<DType>();
  if (!dtype) refuse_shape("attribute dtype is missing");
  return TensorType{*dtype, query.tensor(0).dims};
}

}  // namespace

std::vector<Kind> operator_kinds() {
  static constexpr std::array kKeepsType{
      "aten.relu.default",       "aten.silu.default",   "aten.gelu.default",        "aten.hardtanh.default",
      "aten.neg.default",        "aten.abs.default",    "aten.clone.default",       "aten.alias.default",
      "aten.contiguous.default", "aten.detach.default", "aten.dropout.default",     "aten.lift_fresh_copy.default",
      "aten.hardswish.default",  "aten.elu.default",    "aten.hardsigmoid.default", "aten.leaky_relu.default",
      "aten.mish.default"};
  static constexpr std::array kFloats{"aten.sigmoid.default", "aten.tanh.default", "aten.exp.default",
                                      "aten.sqrt.default", "aten.rsqrt.default"};
  static constexpr std::array kBroadcasts{"aten.add.Tensor", "aten.sub.Tensor", "aten.mul.Tensor",
                                          "aten.maximum.default", "aten.minimum.default"};
  std::vector<Kind> kinds;
  for (const char* name : kKeepsType) kinds.push_back(op(name, same_as_input));
  for (const char* name : kFloats) kinds.push_back(op(name, floating_shape));
  for (const char* name : kBroadcasts) kinds.push_back(op(name, broadcast_shape, 1, 2));
  kinds.push_back(op("aten.div.Tensor", true_division_shape, 1, 2));
  kinds.push_back(op("aten.clamp.default", clamp_shape));
  kinds.push_back(op("aten.softmax.int", softmax_shape));
  kinds.push_back(
      op("aten.view.default", [](const ShapeQuery& query) { return view_shape(query, "size"); }, 1, SIZE_MAX));
  kinds.push_back(
      op("aten.reshape.default", [](const ShapeQuery& query) { return view_shape(query, "shape"); }, 1, SIZE_MAX));
  kinds.push_back(op("aten.permute.default", permute_shape));
  kinds.push_back(op("aten.transpose.int", transpose_shape));
  kinds.push_back(op("aten.cat.default", cat_shape, 1, SIZE_MAX));
  kinds.push_back(op("aten.flatten.using_ints", flatten_operator_shape));
  kinds.push_back(op("aten.mean.dim", mean_shape));
  kinds.push_back(op("aten.unsqueeze.default", unsqueeze_shape));
  kinds.push_back(op("aten.squeeze.dim", squeeze_shape));
  kinds.push_back(op("aten.to.dtype", cast_shape));
  return kinds;
}

}  // namespace graftwork
