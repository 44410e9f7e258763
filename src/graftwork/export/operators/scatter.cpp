// Elements written where an index says.
#include <algorithm>
#include <numeric>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/reducing_scatter.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {
namespace {

/// A number at each place that is written, where no tensor says what.
std::string number_at_each(Form& form, const std::string& index, DType type) {
  return form.add("Expand", {form.scalar(form.number("value"), type), form.add("Shape", {index})});
}

/// As much of the source as there are indices: torch passes over the rest.
std::string fitting_source(Form& form, const std::string& index, DType type) {
  if (form.has("value")) return number_at_each(form, index, type);
  std::string value = form.operand(2, type);
  if (form.type(1).dims == form.type(2).dims) return value;
  const std::vector<int64_t> shape = form.shape(1);
  if (shape == form.shape(2)) return value;
  std::vector<int64_t> axes(shape.size()), starts(shape.size(), 0);
  std::iota(axes.begin(), axes.end(), 0);
  return form.add("Slice", {value, form.list(starts), form.list(shape), form.list(axes)});
}

bool writes_nothing(const Form& form) { return form.type(1).is_static() && form.type(1).element_count() == 0; }

std::vector<Dim> row_dims(const Form& form, size_t slot) {
  return form.rank(slot) == 0 ? std::vector<Dim>{Dim(1)} : form.type(slot).dims;
}

/// What is behind it goes by the axes of either. An index of nothing may have any.
void check_ranks(const Form& form) {
  const size_t rank = row_dims(form, 0).size(), of_index = row_dims(form, 1).size();
  if (rank == of_index || writes_nothing(form)) return;
  throw Error("export.attribute", cat("it writes into ", counted(rank, "dimension"), ", and its index has ", of_index),
              "exporting the network again: torch.export writes no such file");
}

/// Numbers without a dimension are rows of one.
struct Rows {
  std::string x, index, source;
};

Rows rows_of(Form& form, DType type) {
  Rows rows{form.operand(0, type), form.operand(1, DType::kI64), ""};
  rows.source = fitting_source(form, rows.index, type);
  if (form.rank() == 0) rows.x = form.reshape(rows.x, {1});
  if (form.rank(1) == 0) {
    rows.index = form.reshape(rows.index, {1});
    rows.source = form.reshape(rows.source, {1});
  }
  return rows;
}

/// What the index is made of, where that is one row of indices repeated along all other dimensions: [count].
std::optional<std::string> row_of_index(Form& form, int64_t axis) {
  if (form.rank(1) < 1) return std::nullopt;
  const Node& index = form.node().input(1);
  if (form.rank(1) == 1) return form.operand(1, DType::kI64);
  if (index.kind() == NodeKind::kConstant) {
    const at::Tensor all = evaluate(index.constant(), form.lowering().network().tensors).movedim(axis, 0);
    at::Tensor row = all;
    while (row.dim() > 1) row = row.select(1, 0);
    std::vector<int64_t> shape(static_cast<size_t>(all.dim()), 1);
    shape[0] = -1;
    if (!at::equal(all, row.reshape(shape).expand_as(all))) return std::nullopt;
    return form.constant(row.to(at::kLong).contiguous());
  }
  const bool repeats = index.kind() == NodeKind::kCallFunction &&
                       (index.op() == Symbol("aten.expand.default") || index.op() == Symbol("aten.repeat.default"));
  const TensorType* given = repeats ? index.input(0).tensor() : nullptr;
  if (!given || given->rank() > static_cast<size_t>(form.rank(1))) return std::nullopt;
  const int64_t ahead = form.rank(1) - static_cast<int64_t>(given->rank());
  for (int64_t i = 0; i < form.rank(1); ++i) {
    const Dim extent = i < ahead ? Dim(1) : given->dims[static_cast<size_t>(i - ahead)];
    if (extent != (i == axis ? form.type(1).dims[static_cast<size_t>(i)] : Dim(1))) return std::nullopt;
  }
  return form.reshape(operand_as(form.lowering(), index, 0, DType::kI64), {-1});
}

void reduce_elements(Form& form, Reduction reduction, bool include_self = true) {
  if (writes_nothing(form)) return form.result(form.as_result(0));
  const DType wanted = form.result_dtype();
  ReducingScatter scatter;
  const DType type = reducing_type(wanted);
  scatter.type = type;
  scatter.axis = form.axis();
  scatter.reduction = reduction;
  scatter.include_self = include_self;
  scatter.x_dims = row_dims(form, 0);
  scatter.index_dims = row_dims(form, 1);
  Rows rows = rows_of(form, type);
  scatter.x = std::move(rows.x);
  scatter.source = std::move(rows.source);
  const auto row = row_of_index(form, scatter.axis);
  scatter.one_for_all = row.has_value();
  scatter.index = row.value_or(rows.index);
  std::string made = reduced(form, std::move(scatter));
  if (form.rank() == 0) made = form.reshape(made, {});
  if (type != wanted) made = form.cast(made, wanted);
  form.result(made);
}

void replace_elements(Form& form) {
  if (writes_nothing(form)) return form.result(form.as_result(0));
  const Rows rows = rows_of(form, form.result_dtype());
  const Form::Values inputs{rows.x, rows.index, rows.source};
  const Form::Attributes attributes{{"axis", form.axis()}};
  if (form.rank() != 0) return form.result("ScatterElements", inputs, attributes);
  form.result("Reshape", {form.add("ScatterElements", inputs, attributes), form.list({})});
}

void scatter(Form& form) {
  check_ranks(form);
  const std::string reduce = form.text("reduce", "");
  if (reduce.empty()) return replace_elements(form);
  reduce_elements(form, reduce == "multiply" ? Reduction::kProduct : Reduction::kSum);
}

void scatter_add(Form& form) {
  check_ranks(form);
  reduce_elements(form, Reduction::kSum);
}

void scatter_reduce(Form& form) {
  check_ranks(form);
  const std::string how = form.text("reduce", "");
  const bool include_self = form.flag("include_self", true);
  if (how == "sum") return reduce_elements(form, Reduction::kSum, include_self);
  if (how == "prod") return reduce_elements(form, Reduction::kProduct, include_self);
  if (how == "amax") return reduce_elements(form, Reduction::kGreatest, include_self);
  if (how == "amin") return reduce_elements(form, Reduction::kLeast, include_self);
  throw Error("export.attribute", "its reduction \"" + how + "\" has no ONNX form");
}

}  // namespace

OperatorLowerings scatter_lowerings() {
  return {{"aten.scatter.src", form(scatter)},
          {"aten.scatter.value", form(scatter)},
          {"aten.scatter.reduce", form(scatter)},
          {"aten.scatter.value_reduce", form(scatter)},
          {"aten.scatter_add.default", form(scatter_add)},
          {"aten.scatter_reduce.two", form(scatter_reduce)}};
}

}  // namespace graftwork::core
