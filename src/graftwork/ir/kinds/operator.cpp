// ATen operators whose shape the graph must know after a graft. Operators that are not here keep the
// type that their importer recorded.
#include <algorithm>
#include <array>

#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/activation.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {

Kind operator_kind(Symbol name, std::function<Type(const ShapeQuery&)> shape, size_t min_inputs, size_t max_inputs) {
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

namespace {

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

/// Of two tensors, element by element: the shapes broadcast.
Type elementwise_shape(const ShapeQuery& query, DType dtype) {
  const TensorType &a = query.tensor(0), &b = query.tensor(1);
  auto dims = broadcast(a.dims, b.dims);
  if (!dims) refuse_shape(cat("shapes ", a.text(), " and ", b.text(), " do not broadcast"));
  return TensorType{dtype, *std::move(dims)};
}

Type broadcast_shape(const ShapeQuery& query) {
  const TensorType& a = query.tensor(0);
  if (query.inputs.size() == 1) return TensorType{promoted(a.dtype, category(query.attr("other"))), a.dims};
  const TensorType& b = query.tensor(1);
  const auto dtype = promoted(a, b);
  return dtype ? elementwise_shape(query, *dtype) : Type();
}

Type true_division_shape(const ShapeQuery& query) {
  Type plain = broadcast_shape(query);
  if (!plain.tensor()) return plain;
  return TensorType{floating(plain.tensor()->dtype), plain.tensor()->dims};
}

Type floating_shape(const ShapeQuery& query) {
  return TensorType{floating(query.tensor(0).dtype), query.tensor(0).dims};
}

/// Computed in `dtype` where it is given.
DType dtype_or(const ShapeQuery& query, DType fallback) {
  const Attribute* given = query.attrs.find("dtype");
  const DType* dtype = given ? given->get<DType>() : nullptr;
  return dtype ? *dtype : fallback;
}

Type shape_in_dtype(const ShapeQuery& query) {
  return TensorType{dtype_or(query, query.tensor(0).dtype), query.tensor(0).dims};
}

Type power_shape(const ShapeQuery& query) {
  const TensorType& base = query.tensor(0);
  return TensorType{promoted(base.dtype, category(query.attr("exponent"))), base.dims};
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

/// Without the axes that `dim` names, an integer or several; none stands for all.
Type reduced_shape(const ShapeQuery& query, DType dtype) {
  const TensorType& input = query.tensor(0);
  const bool keep = query.attrs.find("keepdim") && query.flag("keepdim");
  const Attribute* dim = query.attrs.find("dim");
  std::vector<int64_t> axes;
  if (dim && !dim->is_none()) axes = dim->get<int64_t>() ? std::vector{*dim->get<int64_t>()} : query.integers("dim");
  std::vector<bool> reduced(input.rank(), axes.empty());
  for (const int64_t axis : axes) {
    if (input.rank() == 0 && (axis == 0 || axis == -1)) continue;
    const size_t at = axis_of(axis, input.rank(), query);
    if (reduced[at]) refuse_shape(cat("axis ", axis, " of ", input.text(), " is reduced twice"));
    reduced[at] = true;
  }
  TensorType result{dtype, {}};
  for (size_t axis = 0; axis < input.rank(); ++axis) {
    if (!reduced[axis]) result.dims.push_back(input.dims[axis]);
    if (reduced[axis] && keep) result.dims.emplace_back(1);
  }
  return result;
}

Type mean_shape(const ShapeQuery& query) { return reduced_shape(query, dtype_or(query, query.tensor(0).dtype)); }

/// Bytes stay bytes.
Type all_shape(const ShapeQuery& query) {
  return reduced_shape(query, query.tensor(0).dtype == DType::kU8 ? DType::kU8 : DType::kBool);
}

/// A mask of more elements spreads what it is filled into.
Type masked_fill_shape(const ShapeQuery& query) {
  if (query.tensor(1).dtype != DType::kBool)
    refuse_shape(cat("the mask is ", query.tensor(1).text(), ", not of bools"));
  return elementwise_shape(query, query.tensor(0).dtype);
}

Type cast_shape(const ShapeQuery& query) {
  const DType* dtype = query.attr("dtype").get<DType>();
  if (!dtype) refuse_shape("attribute dtype is missing");
  return TensorType{*dtype, query.tensor(0).dims};
}

}  // namespace

std::vector<Kind> operator_kinds() {
  static constexpr std::array kKeepsType{
      "aten.neg.default",        "aten.abs.default",    "aten.clone.default",    "aten.alias.default",
      "aten.contiguous.default", "aten.detach.default", "aten.dropout.default",  "aten.lift_fresh_copy.default",
      "aten.selu.default",       "aten.celu.default",   "aten.softplus.default", "aten.sign.default",
      "aten.log_sigmoid.default"};
  static constexpr std::array kFloats{"aten.sigmoid.default", "aten.tanh.default",      "aten.exp.default",
                                      "aten.sqrt.default",    "aten.rsqrt.default",     "aten.erf.default",
                                      "aten.log.default",     "aten.log1p.default",     "aten.sin.default",
                                      "aten.cos.default",     "aten.reciprocal.default"};
  static constexpr std::array kBroadcasts{"aten.add.Tensor", "aten.sub.Tensor", "aten.mul.Tensor",
                                          "aten.maximum.default", "aten.minimum.default"};
  std::vector<Kind> kinds;
  for (const char* name : kKeepsType) kinds.push_back(operator_kind(name, same_as_input));
  for (const char* name : kFloats) kinds.push_back(operator_kind(name, floating_shape));
  for (const char* name : kBroadcasts) kinds.push_back(operator_kind(name, broadcast_shape, 1, 2));
  kinds.push_back(operator_kind("aten.logical_not.default", [](const ShapeQuery& query) {
    return TensorType{DType::kBool, query.tensor(0).dims};
  }));
  for (const char* name : {"aten.logical_or.default", "aten.logical_and.default"}) {
    kinds.push_back(
        operator_kind(name, [](const ShapeQuery& query) { return elementwise_shape(query, DType::kBool); }, 2, 2));
  }
  kinds.push_back(operator_kind(
      "aten.eq.Scalar", [](const ShapeQuery& query) { return TensorType{DType::kBool, query.tensor(0).dims}; }));
  kinds.push_back(operator_kind("aten.all.dim", all_shape));
  kinds.push_back(operator_kind("aten.amax.default",
                                [](const ShapeQuery& query) { return reduced_shape(query, query.tensor(0).dtype); }));
  kinds.push_back(operator_kind("aten.mul.Scalar", broadcast_shape));
  kinds.push_back(operator_kind("aten.div.Scalar", true_division_shape));
  kinds.push_back(operator_kind("aten.masked_fill.Scalar", masked_fill_shape, 2, 2));
  kinds.push_back(operator_kind("aten.div.Tensor", true_division_shape, 1, 2));
  kinds.push_back(operator_kind("aten.clamp.default", clamp_shape));
  kinds.push_back(operator_kind("aten.pow.Tensor_Scalar", power_shape));
  kinds.push_back(operator_kind("aten.softmax.int", shape_in_dtype));
  kinds.push_back(operator_kind("aten.zeros_like.default", shape_in_dtype));
  kinds.push_back(operator_kind("aten.mean.dim", mean_shape));
  kinds.push_back(operator_kind("aten.to.dtype", cast_shape));
  for (const Activation& row : activations()) {
    for (const ActivationOperator& one : row.operators) {
      const bool known = std::any_of(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.name == one.op; });
      if (!known && row.params.empty()) kinds.push_back(operator_kind(one.op, same_as_input));
    }
  }
  return kinds;
}

}  // namespace graftwork::core
