// Elements by where they stand.
#include <numeric>

#include "graftwork/base/error.h"
#include "graftwork/export/form.h"
#include "graftwork/export/reducing_scatter.h"
#include "graftwork/export/runtime_shape.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {
namespace {

std::string index_of(Form& form, size_t slot) { return form.operand(slot, DType::kI64); }

void index_select(Form& form) {
  if (form.rank() == 0) return form.result(form.operand(0));
  std::string index = index_of(form, 1);
  if (form.rank(1) == 0) index = form.reshape(index, {1});
  form.result("Gather", {form.operand(0), index}, {{"axis", form.axis()}});
}

void gather(Form& form) {
  if (form.type(1).is_static() && form.type(1).element_count() == 0)
    return form.result(form.constant(at::empty(form.shape(1), to_torch(form.type(0).dtype))));
  std::string x = form.operand(0), index = index_of(form, 1);
  if (form.rank() == 0 && form.rank(1) == 0) return form.result(x);
  if (form.rank(1) == 0) return form.result("Gather", {x, index}, {{"axis", int64_t{0}}});
  if (form.rank() == 0) x = form.reshape(x, {1});
  form.result("GatherElements", {x, index}, {{"axis", form.axis()}});
}

// ---- tensors of indices ----------------------------------------------------------------------------

/// The operands that index a dimension each; nothing where the dimension is taken whole.
std::vector<std::optional<size_t>> indexed(const Form& form) {
  const Attribute* attr = form.node().attrs().find("indices");
  std::vector<std::optional<size_t>> slots;
  if (!attr) throw Error("export.attribute", "its indices are not known");
  const auto* list = attr->get<Attribute::List>();
  if (!list) throw Error("export.attribute", "its indices are not known");
  for (const Attribute& element : *list) {
    const InputRef* reference = element.get<InputRef>();
    slots.push_back(reference ? std::optional<size_t>(reference->slot) : std::nullopt);
  }
  return slots;
}

/// Tensors of indices for some dimensions, in the order of these; truth values count as the places where they hold.
struct Places {
  std::vector<int64_t> axes;
  std::string index;     ///< [..., axes], all dimensions' indices side by side.
  size_t rank = 0;       ///< Of the indices, without the last dimension.
  bool adjacent = true;  ///< Whether the dimensions stand together.
  bool masked = false;   ///< Whether a mask says which: no place twice.
  /// Of the tuples of indices, where that is known now.
  std::optional<int64_t> count;
};

Places places_of(Form& form) {
  Places places;
  std::vector<std::pair<std::string, size_t>> indices;  // with their rank
  int64_t axis = 0;
  std::vector<int64_t> extents;  // of the indices, spread over one another
  bool is_static = true;
  for (const auto& slot : indexed(form)) {
    if (!slot) {
      ++axis;
      continue;
    }
    const TensorType& type = form.type(*slot);
    if (type.dtype == DType::kBool || type.dtype == DType::kU8) {
      // NonZero gives [rank, count]: one list of places for each dimension of the mask.
      if (places.masked || !indices.empty())
        throw Error("export.attribute", "it indexes by a mask and by something else");
      places.masked = true;
      places.index = form.transpose(form.add("NonZero", {form.operand(*slot, DType::kBool)}), {1, 0});
      for (size_t i = 0; i < type.rank(); ++i) places.axes.push_back(axis++);
      places.rank = 1;
      continue;
    }
    if (places.masked) throw Error("export.attribute", "it indexes by a mask and by something else");
    places.axes.push_back(axis++);
    indices.emplace_back(index_of(form, *slot), type.rank());
    places.rank = std::max(places.rank, type.rank());
    is_static &= type.is_static();
    if (is_static) extents = at::infer_size(extents, form.shape(*slot));
  }
  if (axis > form.rank() || places.axes.empty())
    throw Error("export.attribute", axis > form.rank() ? "it has more indices than dimensions" : "it has no indices");
  if (is_static) places.count = c10::multiply_integers(extents);
  for (size_t i = 1; i < places.axes.size(); ++i) places.adjacent &= places.axes[i] == places.axes[i - 1] + 1;
  if (places.masked) return places;
  if (indices.size() == 1) {
    const std::string last = form.list({-1});
    places.index = form.add("Unsqueeze", {indices[0].first, last});
    return places;
  }
  // Indices are spread over one another's shape.
  std::string shape;
  for (const auto& [index, rank] : indices) {
    const std::string zero = form.add("Mul", {index, form.constant(at::zeros({}, at::kLong))});
    shape = shape.empty() ? zero : form.add("Add", {shape, zero});
  }
  Form::Values columns;
  const std::string last = form.list({-1});
  for (const auto& [index, rank] : indices)
    columns.push_back(form.add("Unsqueeze", {form.add("Add", {index, shape}), last}));
  places.index = form.add("Concat", columns, {{"axis", int64_t{-1}}});
  return places;
}

/// The dimensions that are indexed in front, the others behind.
std::vector<int64_t> indexed_first(const Places& places, int64_t rank) {
  std::vector<int64_t> order = places.axes;
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (std::find(places.axes.begin(), places.axes.end(), axis) == places.axes.end()) order.push_back(axis);
  }
  return order;
}

bool in_order(const std::vector<int64_t>& order) { return std::is_sorted(order.begin(), order.end()); }

/// What is indexed in front of the rest, to where torch has it: in the place of dimensions that stand together.
std::vector<int64_t> in_its_place(const Places& places, int64_t rank) {
  const auto width = static_cast<int64_t>(places.rank);
  const auto kept = rank - static_cast<int64_t>(places.axes.size());
  std::vector<int64_t> order;
  for (int64_t i = 0; i < places.axes[0]; ++i) order.push_back(width + i);
  for (int64_t i = 0; i < width; ++i) order.push_back(i);
  for (int64_t i = places.axes[0]; i < kept; ++i) order.push_back(width + i);
  return order;
}

std::vector<int64_t> inverse(const std::vector<int64_t>& order) {
  std::vector<int64_t> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return back;
}

/// What is indexed comes where it was if the dimensions stand together, else in front. Source: NumPy's advanced
/// indexing.
void index(Form& form) {
  size_t tensors = 0, only = 0;
  int64_t axis = 0, only_axis = 0;
  for (const auto& slot : indexed(form)) {
    if (slot) ++tensors, only = *slot, only_axis = axis;
    ++axis;
  }
  if (axis > form.rank()) throw Error("export.attribute", "it has more indices than dimensions");
  const DType type = tensors == 1 ? form.type(only).dtype : DType::kI64;
  if (tensors == 1 && type != DType::kBool && type != DType::kU8)
    return form.result("Gather", {form.operand(0), index_of(form, only)}, {{"axis", only_axis}});
  const int64_t rank = form.rank();
  const Places places = places_of(form);
  const std::vector<int64_t> order = indexed_first(places, rank);
  const std::string x = in_order(order) ? form.operand(0) : form.transpose(form.operand(0), order);
  if (!places.adjacent || places.axes[0] == 0) return form.result("GatherND", {x, places.index});
  const std::string found = form.add("GatherND", {x, places.index});
  form.result("Transpose", {found}, {{"perm", in_its_place(places, rank)}});
}

/// What a step along each indexed dimension is, in rows of the others: [dimensions]. `dims` are theirs, `extents` their
/// value in the file.
std::string strides_of(Form& form, const std::vector<Dim>& dims, const std::string& extents) {
  std::vector<int64_t> known(dims.size(), 1);
  bool is_known = true;
  for (size_t i = dims.size() - 1; i > 0 && is_known; --i) {
    is_known = dims[i].is_static();
    if (is_known) known[i - 1] = known[i] * dims[i].value();
  }
  if (is_known) return form.list(known);
  std::string stride = form.list({1});
  Form::Values strides{stride};
  for (size_t i = dims.size() - 1; i > 0; --i) {
    stride = form.add("Mul", {stride, form.add("Gather", {extents, form.list({static_cast<int64_t>(i)})})});
    strides.insert(strides.begin(), stride);
  }
  return form.add("Concat", strides, {{"axis", int64_t{0}}});
}

/// Each tuple of indices as one, of the indexed dimensions taken as one dimension; negative ones count from the end.
/// Of `x`, which has the indexed dimensions in front.
std::string flat_index(Form& form, const Places& places, const std::vector<Dim>& dims, const std::string& x) {
  std::vector<int64_t> known;
  for (const Dim& dim : dims) {
    if (dim.is_static()) known.push_back(dim.value());
  }
  const auto count = static_cast<int64_t>(dims.size());
  const std::string extents =
      known.size() == dims.size()
          ? form.list(known)
          : form.add("Slice", {form.add("Shape", {x}), form.list({0}), form.list({count}), form.list({0})});
  const std::string is_negative = form.add("Less", {places.index, form.constant(at::zeros({}, at::kLong))});
  const std::string from_end = form.add("Add", {places.index, extents});
  const std::string index = form.add("Where", {is_negative, from_end, places.index});
  const std::string steps = form.add("Mul", {index, strides_of(form, dims, extents)});
  return form.reshape(form.add("ReduceSum", {steps, form.list({-1})}, {{"keepdims", int64_t{0}}}), {-1});
}

/// `values`, which are spread over what is indexed, added to `x`, which has the indexed dimensions in front, as `order`
/// says. As rows of the other dimensions.
std::string accumulate(Form& form, const Places& places, const std::vector<int64_t>& order, const std::string& x,
                       const std::string& values) {
  std::vector<Dim> dims;
  Dim rows = 1, columns = 1;
  for (size_t i = 0; i < order.size(); ++i) {
    const Dim& extent = form.type(0).dims[static_cast<size_t>(order[i])];
    const bool is_indexed = i < places.axes.size();
    (is_indexed ? rows : columns) = (is_indexed ? rows : columns) * extent;
    if (is_indexed) dims.push_back(extent);
  }
  ReducingScatter scatter;
  scatter.x = form.add("Flatten", {x}, {{"axis", static_cast<int64_t>(dims.size())}});
  scatter.index = flat_index(form, places, dims, x);
  scatter.source = form.add("Flatten", {values}, {{"axis", static_cast<int64_t>(places.rank)}});
  scatter.one_for_all = true;
  scatter.x_dims = {rows, columns};
  scatter.index_dims = {Dim(std::max<int64_t>(places.count.value_or(1), 1)), columns};
  scatter.type = reducing_type(form.result_dtype());
  return form.add("Reshape", {reduced(form, scatter), form.add("Shape", {x})});
}

/// The values, spread over the shape of what they replace.
void index_put(Form& form) {
  const Places places = places_of(form);
  const std::vector<int64_t> order = indexed_first(places, form.rank());
  const size_t slot = form.node().input_count() - 1;  // of the values
  const bool moves = !in_order(order), adds = form.flag("accumulate");
  const DType wanted = form.result_dtype(), type = adds ? reducing_type(wanted) : wanted;
  std::string x = form.operand(0, type);
  if (moves) x = form.transpose(x, order);
  const std::string read = form.add("GatherND", {x, places.index});
  std::string spread = form.operand(slot, type);
  if (places.adjacent && places.axes[0] != 0) {
    const std::vector<int64_t> place = in_its_place(places, form.rank());
    const std::string in_place = form.transpose(read, place);
    spread = form.transpose(form.add("Expand", {spread, form.add("Shape", {in_place})}), inverse(place));
  } else {
    spread = form.add("Expand", {spread, form.add("Shape", {read})});
  }
  std::string made;
  if (adds && !places.masked) {
    made = accumulate(form, places, order, x, spread);
  } else {  // a mask names no place twice
    made = form.add("ScatterND", {x, places.index, adds ? form.add("Add", {read, spread}) : spread});
  }
  if (moves) made = form.transpose(made, inverse(order));
  form.result(type == wanted ? made : form.cast(made, wanted));
}

// ---- triangles, diagonals, windows -----------------------------------------------------------------

void triangle(Form& form, bool upper) {
  std::string x = form.operand(0);
  const DType type = form.dtype(0);
  const std::string shift = form.constant(at::scalar_tensor(form.integer("diagonal"), at::kLong));
  if (type != DType::kBool) return form.result("Trilu", {x, shift}, {{"upper", int64_t{upper ? 1 : 0}}});
  const std::string kept = form.add("Trilu", {form.cast(x, DType::kI32), shift}, {{"upper", int64_t{upper ? 1 : 0}}});
  form.result("Cast", {kept}, {{"to", onnx::data_type(DType::kBool)}});
}

void triu(Form& form) { triangle(form, true); }
void tril(Form& form) { triangle(form, false); }

/// [..., rows, columns] by two indices that run together.
void diagonal(Form& form) {
  const int64_t rank = form.rank();
  const int64_t dim1 = form.axis("dim1", 0), dim2 = form.axis("dim2", 1), offset = form.integer("offset");
  const int64_t count = form.result_shape().at(static_cast<size_t>(rank - 2));
  std::vector<int64_t> order{dim1, dim2}, back;
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (axis != dim1 && axis != dim2) order.push_back(axis);
  }
  const at::Tensor run = at::arange(count, at::kLong);
  const at::Tensor index = at::stack({run + std::max<int64_t>(-offset, 0), run + std::max<int64_t>(offset, 0)}, -1);
  const std::string x = in_order(order) ? form.operand(0) : form.transpose(form.operand(0), order);
  const std::string found = form.add("GatherND", {x, form.constant(index)});
  for (int64_t axis = 1; axis + 1 < rank; ++axis) back.push_back(axis);
  back.push_back(0);
  form.result("Transpose", {found}, {{"perm", back}});
}

/// Windows along a dimension; what is in one comes last.
void unfold(Form& form) {
  if (form.rank() == 0) return form.result("Reshape", {form.operand(0), form.list({form.integer("size")})});
  const int64_t axis = form.axis("dimension"), size = form.integer("size"), step = form.integer("step", 1);
  const int64_t count = form.result_shape().at(static_cast<size_t>(axis));
  const at::Tensor index = at::add(at::arange(count, at::kLong).mul(step).unsqueeze(1), at::arange(size, at::kLong));
  const std::string windows = form.add("Gather", {form.operand(0), form.constant(index)}, {{"axis", axis}});
  std::vector<int64_t> order;
  for (int64_t i = 0; i <= form.rank(); ++i) {
    if (i != axis + 1) order.push_back(i);
  }
  order.push_back(axis + 1);
  form.result("Transpose", {windows}, {{"perm", order}});
}

}  // namespace

OperatorLowerings indexing_lowerings() {
  return {{"aten.index_select.default", form(index_select)},
          {"aten.gather.default", form(gather)},
          {"aten.index.Tensor", form(index)},
          {"aten.index_put.default", form(index_put)},
          {"aten.triu.default", form(triu)},
          {"aten.tril.default", form(tril)},
          {"aten.diagonal.default", form(diagonal)},
          {"aten.unfold.default", form(unfold)}};
}

}  // namespace graftwork::core
