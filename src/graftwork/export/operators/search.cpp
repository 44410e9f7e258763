// Extremes and where they stand, order, and what has come so far.
#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/form.h"
#include "graftwork/export/runtime_number.h"

namespace graftwork::core {
namespace {

/// ONNX searches numbers: truth values are 0 and 1 while it does.
DType searched_type(const Form& form) {
  const DType type = form.dtype(0);
  return type == DType::kBool ? DType::kI32 : type;
}

std::string searched(Form& form) { return form.operand(0, searched_type(form)); }

/// As the result has it: truth values again.
std::string as_given(Form& form, const std::string& value) {
  return form.dtype(0) == searched_type(form) ? value : form.cast(value, form.dtype(0));
}

void extreme_of_all(Form& form, const char* op_type) {
  form.result(as_given(form, form.add(op_type, {searched(form), form.list(form.axes())}, {{"keepdims", int64_t{0}}})));
}

void max_of_all(Form& form) { extreme_of_all(form, "ReduceMax"); }
void min_of_all(Form& form) { extreme_of_all(form, "ReduceMin"); }

/// A value and the place of the first that has it.
void extreme(Form& form, const char* value, const char* place) {
  const int64_t keep = form.flag("keepdim") ? 1 : 0;
  if (form.rank() == 0) {
    form.result_of(0, form.operand(0));
    return form.result_of(1, form.constant(at::zeros({}, at::kLong)));
  }
  const int64_t axis = form.axis();
  const std::string x = searched(form);
  form.result_of(0, as_given(form, form.add(value, {x, form.list({axis})}, {{"keepdims", keep}})));
  form.result_of(1, form.add(place, {x}, {{"axis", axis}, {"keepdims", keep}}));
}

void max_along(Form& form) { extreme(form, "ReduceMax", "ArgMax"); }
void min_along(Form& form) { extreme(form, "ReduceMin", "ArgMin"); }

void place(Form& form, const char* op_type) {
  std::string x = searched(form);
  if (form.rank() == 0) return form.result(form.constant(at::zeros({}, at::kLong)));
  if (form.has("dim")) {
    const int64_t keep = form.flag("keepdim") ? 1 : 0;
    return form.result(op_type, {x}, {{"axis", form.axis()}, {"keepdims", keep}});
  }
  const std::string flat = form.reshape(x, {-1});
  if (!form.flag("keepdim")) return form.result(op_type, {flat}, {{"axis", int64_t{0}}, {"keepdims", int64_t{0}}});
  const std::string found = form.add(op_type, {flat}, {{"axis", int64_t{0}}, {"keepdims", int64_t{1}}});
  form.result("Reshape", {found, form.list(std::vector<int64_t>(static_cast<size_t>(form.rank()), 1))});
}

void argmax(Form& form) { place(form, "ArgMax"); }
void argmin(Form& form) { place(form, "ArgMin"); }

/// The k greatest or least, and where they stood.
void top(Form& form, const std::string& count, bool largest) {
  if (form.rank() == 0) {
    form.result_of(0, form.operand(0));
    return form.result_of(1, form.constant(at::zeros({}, at::kLong)));
  }
  const auto found =
      form.add_several("TopK", {searched(form), count}, 2,
                       {{"axis", form.axis("dim", -1)}, {"largest", int64_t{largest ? 1 : 0}}, {"sorted", int64_t{1}}});
  form.result_of(0, as_given(form, found[0]));
  form.result_of(1, found[1]);
}

void topk(Form& form) { top(form, form.list({form.integer("k", 1)}), form.flag("largest", true)); }

void sort(Form& form) {
  const int64_t axis = form.rank() == 0 ? 0 : form.axis("dim", -1);
  const std::string extent =
      form.rank() == 0 ? "" : form.add("Shape", {form.operand(0)}, {{"end", axis + 1}, {"start", axis}});
  top(form, extent, form.flag("descending"));
}

void cumsum(Form& form) {
  if (form.rank() == 0) return form.result(form.as_result(0));
  form.result("CumSum", {form.as_result(0), form.constant(at::scalar_tensor(form.axis(), at::kLong))});
}

/// Whether any, or all, are not 0: the greatest, or the least, of 0 and 1.
void truth(Form& form, const char* op_type) {
  const bool is_truth = form.dtype(0) == DType::kBool;
  std::string x = form.operand(0);
  if (!is_truth) x = form.cast(x, DType::kBool);
  x = form.cast(x, DType::kI32);
  const int64_t keep = form.flag("keepdim") ? 1 : 0;
  const std::string found = form.rank() == 0 ? x : form.add(op_type, {x, form.list(form.axes())}, {{"keepdims", keep}});
  form.result("Cast", {found}, {{"to", onnx::data_type(form.result_dtype())}});
}

void any(Form& form) { truth(form, "ReduceMax"); }
void all(Form& form) { truth(form, "ReduceMin"); }

/// [dimensions, places]: where it is not 0. How many places is known at run time only.
/// A number counts as a row of one.
std::string places(Form& form) {
  return form.add("NonZero", {form.rank() > 0 ? form.operand(0) : form.reshape(form.operand(0), {1})});
}

/// A row for each place; of a number, rows of nothing.
void nonzero(Form& form) {
  if (form.rank() > 0) return form.result("Transpose", {places(form)}, {{"perm", std::vector<int64_t>{1, 0}}});
  const std::string rows = form.add("Transpose", {places(form)}, {{"perm", std::vector<int64_t>{1, 0}}});
  form.result("Slice", {rows, form.list({0}), form.list({0}), form.list({1})});
}

/// A list for each dimension.
void nonzero_by_dimension(Form& form) {
  const std::string found = places(form);
  const auto count = static_cast<size_t>(std::max<int64_t>(form.rank(), 1));
  for (size_t i = 0; i < count; ++i) {
    const std::string row = form.constant(at::scalar_tensor(static_cast<int64_t>(i), at::kLong));
    form.result_of(i, form.add("Gather", {found, row}, {{"axis", int64_t{0}}}));
  }
}

/// Each place of the result is compared with each slice, and truth values are summed as INT64.
void check_compared(const Form& form, int64_t places, int64_t axis) {
  constexpr int64_t kMostComparisons = int64_t{1} << 27;  // 1 GB
  const TensorType& x = form.type(0);
  const Dim slices = form.has("dim") ? x.dims.at(static_cast<size_t>(axis))
                     : x.is_static() ? Dim(x.element_count())
                                     : Dim(1);
  const Dim comparisons = slices.is_static() ? slices * Dim(places) : Dim(places);
  if (comparisons.value() > kMostComparisons)
    throw Error("export.shape", cat("it finds ", places, " places by comparing each with ", slices.text(), " sums"),
                "the same number of repeats for all, or fewer at once");
}

/// How many slices all repeats make. A given number is the file's too: engines know the shape from it.
std::string repeated_extent(Form& form, const std::string& repeats, int64_t axis) {
  const std::vector<Dim>& result = form.result_type().dims;
  const auto extent = static_cast<size_t>(axis) < result.size() ? result[static_cast<size_t>(axis)].maybe_value()
                                                                : std::optional<int64_t>();
  if (extent) {
    check_compared(form, *extent, axis);
    return form.constant(at::scalar_tensor(*extent, at::kLong));
  }
  const Attribute* given = form.node().attrs().find("output_size");
  if (given && given->get<InputRef>())
    return lower_scalar(form.lowering(), lower_number(form.lowering(), form.node(), *given));
  return form.add("ReduceSum", {repeats}, {{"keepdims", int64_t{0}}});
}

/// Each slice as often as a tensor says: the place of element i of the result is how many of the sums so far it has
/// passed.
void repeat_interleave(Form& form) {
  const bool flat = !form.has("dim");
  const int64_t axis = flat ? 0 : form.axis();
  std::string x = form.operand(0), repeats = form.operand(1, DType::kI64);
  if (flat) x = form.reshape(x, {-1});
  const int64_t last = -1;
  const auto number = [&](int64_t value) { return form.constant(at::scalar_tensor(value, at::kLong)); };
  // One number for all is as many as there are slices.
  const std::string extent = form.add("Shape", {x}, {{"end", axis + 1}, {"start", axis}});
  repeats = form.add("Expand", {repeats, extent});
  const std::string passed = form.add("CumSum", {repeats, number(0)});
  const std::string order = form.add("Range", {number(0), repeated_extent(form, repeats, axis), number(1)});
  const std::string column = form.add("Unsqueeze", {order, form.list({last})});
  const std::string counts = form.cast(form.add("LessOrEqual", {passed, column}), DType::kI64);
  const std::string place = form.add("ReduceSum", {counts, form.list({last})}, {{"keepdims", int64_t{0}}});
  form.result("Gather", {x, place}, {{"axis", axis}});
}

/// Those that the mask marks, in a row: how many is known at run time only.
void masked_select(Form& form) {
  std::string x = form.operand(0), mask = form.operand(1);
  if (form.rank(0) == 0 && form.rank(1) == 0) mask = form.reshape(mask, {1});
  const std::string both = form.add("Expand", {x, form.add("Shape", {mask})});
  const std::string marks = form.add("Expand", {mask, form.add("Shape", {both})});
  form.result("Compress", {both, marks});
}

void bincount(Form& /*form*/) {
  throw Error("export.shape", "how many numbers it gives depends on those that it counts",
              "torch.nn.functional.one_hot(x, classes).sum(0), or its product with the weights");
}

/// Those that the import takes apart where it knows how long rows are.
void order_statistic(Form& form) {
  if (form.type(0).is_static()) throw Error("export.attribute", "its rows are too long, or empty");
  throw Error("export.shape", "how long the sorted rows are is known at run time only",
              "a fixed size of that dimension in torch.export's dynamic_shapes");
}

}  // namespace

OperatorLowerings search_lowerings() {
  return {{"aten.max.default", form(max_of_all)},
          {"aten.min.default", form(min_of_all)},
          {"aten.max.dim", form(max_along)},
          {"aten.min.dim", form(min_along)},
          {"aten.argmax.default", form(argmax)},
          {"aten.argmin.default", form(argmin)},
          {"aten.topk.default", form(topk)},
          {"aten.sort.default", form(sort)},
          {"aten.sort.stable", form(sort)},
          {"aten.masked_select.default", form(masked_select)},
          {"aten.repeat_interleave.self_Tensor", form(repeat_interleave)},
          {"aten.nonzero.default", form(nonzero)},
          {"aten.argwhere.default", form(nonzero)},
          {"aten.nonzero_numpy.default", form(nonzero_by_dimension)},
          {"aten.cumsum.default", form(cumsum)},
          {"aten.quantile.default", form(order_statistic)},
          {"aten.quantile.scalar", form(order_statistic)},
          {"aten.nanquantile.default", form(order_statistic)},
          {"aten.nanquantile.scalar", form(order_statistic)},
          {"aten.median.default", form(order_statistic)},
          {"aten.median.dim", form(order_statistic)},
          {"aten.bincount.default", form(bincount)},
          {"aten.any.default", form(any)},
          {"aten.any.dim", form(any)},
          {"aten.any.dims", form(any)},
          {"aten.all.default", form(all)},
          {"aten.all.dim", form(all)},
          {"aten.all.dims", form(all)}};
}

}  // namespace graftwork::core
