// Elements by where they stand.
#include <numeric>

#include "graftwork/base/error.h"
#include "graftwork/export/form.h"
#include "graftwork/export/runtime_shape.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork {
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

/// A number at each place that is written, where no tensor says what.
std::string source_of(Form& form, const std::string& index) {
  if (!form.has("value")) return form.as_result(2);
  const std::string number = form.scalar(form.number("value"), form.result_dtype());
  return form.add("Expand", {number, form.add("Shape", {index})});
}

/// As much of the source as there are indices: torch passes over the rest.
std::string fitting_source(Form& form) {
  if (form.has("value")) return source_of(form, index_of(form, 1));
  const std::vector<int64_t> index = form.shape(1), source = form.shape(2);
  std::string value = form.as_result(2);
  if (index == source) return value;
  std::vector<int64_t> axes(index.size()), starts(index.size(), 0);
  std::iota(axes.begin(), axes.end(), 0);
  return form.add("Slice", {value, form.list(starts), form.list(index), form.list(axes)});
}

void write_elements(Form& form, const std::string& reduction) {
  if (form.type(1).is_static() && form.type(1).element_count() == 0) return form.result(form.as_result(0));
  std::string x = form.as_result(0), index = index_of(form, 1), source = fitting_source(form);
  const bool is_number = form.rank() == 0;
  if (is_number) x = form.reshape(x, {1});
  if (form.rank(1) == 0) {
    index = form.reshape(index, {1});
    source = form.reshape(source, {1});
  }
  Form::Attributes attributes{{"axis", form.axis()}};
  if (reduction != "none") {
    attributes.emplace_back("reduction", reduction);
    form.lowering().need_opset(18);
  }
  if (!is_number) return form.result("ScatterElements", {x, index, source}, std::move(attributes));
  form.result("Reshape", {form.add("ScatterElements", {x, index, source}, std::move(attributes)), form.list({})});
}

void scatter(Form& form) {
  const std::string reduce = form.text("reduce", "none");
  write_elements(form, reduce == "multiply" ? "mul" : reduce);
}

void scatter_add(Form& form) { write_elements(form, "add"); }

void scatter_reduce(Form& form) {
  const std::string how = form.text("reduce", "");
  if (!form.flag("include_self", true)) throw Error("export.attribute", "it passes over what was there before");
  if (how == "sum") return write_elements(form, "add");
  if (how == "prod") return write_elements(form, "mul");
  if (how == "amax") return write_elements(form, "max");
  if (how == "amin") return write_elements(form, "min");
  throw Error("export.attribute", "its reduction \"" + how + "\" has no ONNX form");
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
};

Places places_of(Form& form) {
  Places places;
  std::vector<std::pair<std::string, size_t>> indices;  // with their rank
  int64_t axis = 0;
  bool masked = false;
  for (const auto& slot : indexed(form)) {
    if (!slot) {
      ++axis;
      continue;
    }
    const TensorType& type = form.type(*slot);
    if (type.dtype == DType::kBool || type.dtype == DType::kU8) {
      // NonZero gives [rank, count]: one list of places for each dimension of the mask.
      if (masked || !indices.empty()) throw Error("export.attribute", "it indexes by a mask and by something else");
      masked = true;
      places.index = form.transpose(form.add("NonZero", {form.operand(*slot, DType::kBool)}), {1, 0});
      for (size_t i = 0; i < type.rank(); ++i) places.axes.push_back(axis++);
      places.rank = 1;
      continue;
    }
    if (masked) throw Error("export.attribute", "it indexes by a mask and by something else");
    places.axes.push_back(axis++);
    indices.emplace_back(index_of(form, *slot), type.rank());
    places.rank = std::max(places.rank, type.rank());
  }
  if (axis > form.rank() || places.axes.empty())
    throw Error("export.attribute", axis > form.rank() ? "it has more indices than dimensions" : "it has no indices");
  for (size_t i = 1; i < places.axes.size(); ++i) places.adjacent &= places.axes[i] == places.axes[i - 1] + 1;
  if (masked) return places;
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

/// The values, spread over the shape of what they replace.
void index_put(Form& form) {
  const Places places = places_of(form);
  const std::vector<int64_t> order = indexed_first(places, form.rank());
  const bool moves = !in_order(order);
  std::string x = form.as_result(0);
  if (moves) x = form.transpose(x, order);
  std::string read = form.add("GatherND", {x, places.index});
  std::string spread = form.as_result(form.node().input_count() - 1);
  if (places.adjacent && places.axes[0] != 0) {
    const std::vector<int64_t> place = in_its_place(places, form.rank());
    read = form.transpose(read, place);
    spread = form.transpose(form.add("Expand", {spread, form.add("Shape", {read})}), inverse(place));
  } else {
    spread = form.add("Expand", {spread, form.add("Shape", {read})});
  }
  Form::Attributes attributes;
  if (form.flag("accumulate")) attributes.emplace_back("reduction", "add");
  const Form::Values inputs{x, places.index, spread};
  if (!moves) return form.result("ScatterND", inputs, attributes);
  form.result("Transpose", {form.add("ScatterND", inputs, attributes)}, {{"perm", inverse(order)}});
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
  const std::vector<int64_t> result = form.result_shape();
  std::vector<int64_t> order{dim1, dim2}, back;
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (axis != dim1 && axis != dim2) order.push_back(axis);
  }
  const at::Tensor run = at::arange(result.back(), at::kLong);
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
          {"aten.scatter.src", form(scatter)},
          {"aten.scatter.value", form(scatter)},
          {"aten.scatter.reduce", form(scatter)},
          {"aten.scatter.value_reduce", form(scatter)},
          {"aten.scatter_add.default", form(scatter_add)},
          {"aten.scatter_reduce.two", form(scatter_reduce)},
          {"aten.index.Tensor", form(index)},
          {"aten.index_put.default", form(index_put)},
          {"aten.triu.default", form(triu)},
          {"aten.tril.default", form(tril)},
          {"aten.diagonal.default", form(diagonal)},
          {"aten.unfold.default", form(unfold)}};
}

}  // namespace graftwork
