// Adaptive pools whose windows are known at run time only.
#include "graftwork/base/error.h"
#include "graftwork/export/form.h"
#include "graftwork/export/runtime_number.h"

namespace graftwork::core {
namespace {

enum class Pool : uint8_t { kAverage, kMaximum };

/// One axis of what is pooled. Window o of `out` is from ⌊o · in / out⌋ to before ⌈(o + 1) · in / out⌉.
class PooledAxis {
 public:
  PooledAxis(Form& form, const std::string& x, int64_t axis, std::string out)
      : form_(form), axis_(axis), out_(std::move(out)) {
    in_ = form.add("Shape", {x}, {{"end", axis + 1}, {"start", axis}});
    const std::string order = range(out_);
    const std::string past = form.add("Mul", {form.add("Add", {order, form.list({1})}), in_});
    begin_ = form.add("Div", {form.add("Mul", {order, in_}), out_});
    end_ = form.add("Div", {form.add("Add", {past, less_one(out_)}), out_});
  }

  /// A product with the shares that inputs have in windows: [in, out].
  std::string average(const std::string& x, int64_t rank) {
    const std::string places = form_.add("Unsqueeze", {range(in_), form_.list({1})});
    const std::string inside =
        form_.add("And", {form_.add("GreaterOrEqual", {places, begin_}), form_.add("Less", {places, end_})});
    const DType type = form_.dtype(0);
    const std::string width = form_.cast(form_.add("Sub", {end_, begin_}), type);
    const std::string shares = form_.add("Div", {form_.cast(inside, type), width});
    if (axis_ == rank - 1) return form_.add("MatMul", {x, shares});
    if (axis_ == rank - 2) return form_.add("MatMul", {form_.transpose(shares, {1, 0}), x});
    std::vector<int64_t> order;
    for (int64_t i = 0; i < rank; ++i) order.push_back(i);
    std::swap(order[static_cast<size_t>(axis_)], order.back());
    return form_.transpose(form_.add("MatMul", {form_.transpose(x, order), shares}), order);
  }

  /// What each window holds stands in a row, the last repeated where others have more.
  std::string maximum(const std::string& x) {
    const std::string widest = form_.add("Add", {form_.add("Div", {in_, out_}), form_.list({2})});
    const std::string first = form_.add("Unsqueeze", {begin_, form_.list({1})});
    const std::string last = form_.add("Unsqueeze", {less_one(end_), form_.list({1})});
    const std::string places = form_.add("Min", {form_.add("Add", {first, range(widest)}), last});
    const std::string held = form_.add("Gather", {x, places}, {{"axis", axis_}});
    return form_.add("ReduceMax", {held, form_.list({axis_ + 1})}, {{"keepdims", int64_t{0}}});
  }

 private:
  std::string less_one(const std::string& number) { return form_.add("Sub", {number, form_.list({1})}); }
  std::string range(const std::string& count) {
    return form_.add(
        "Range", {form_.scalar(0, DType::kI64), lower_scalar(form_.lowering(), count), form_.scalar(1, DType::kI64)});
  }

  Form& form_;
  int64_t axis_;
  std::string in_, out_, begin_, end_;
};

std::string pooled(Form& form, Pool pool) {
  const Attribute* given = form.node().attrs().find("output_size");
  if (!given || given->is_none()) throw Error("export.attribute", "its output size is not known");
  const TensorType& from = form.type(0);
  const TensorType& to = form.result_type();
  std::vector<std::string> sizes = lower_numbers(form.lowering(), form.node(), *given);
  const int64_t rank = form.rank(), leading = rank - static_cast<int64_t>(sizes.size());
  if (leading < 1 || to.rank() != from.rank()) throw Error("export.shape", "its output size is not known");
  std::string x = form.operand(0);
  std::vector<int64_t> whole;  // of which one value is left
  for (int64_t axis = leading; axis < rank; ++axis) {
    const Dim& in = from.dims[static_cast<size_t>(axis)];
    const Dim& out = to.dims[static_cast<size_t>(axis)];
    if (out == Dim(1)) whole.push_back(axis);
    if (out == Dim(1) || in == out) continue;
    PooledAxis windows(form, x, axis, sizes[static_cast<size_t>(axis - leading)]);
    x = pool == Pool::kAverage ? windows.average(x, rank) : windows.maximum(x);
  }
  if (whole.empty()) return x;
  return form.add(pool == Pool::kAverage ? "ReduceMean" : "ReduceMax", {x, form.list(whole)},
                  {{"keepdims", int64_t{1}}});
}

void average(Form& form) { form.result(pooled(form, Pool::kAverage)); }

void maximum(Form& form) {
  for (const Use* use = form.node().uses(); use; use = use->next()) {
    if (use->user()->kind() == NodeKind::kGetItem && use->user()->item_index() == 1)
      throw Error("export.pool", "it says where its maxima are, in windows that are known at run time only",
                  "fixed sizes when the network is exported");
  }
  form.result_of(0, pooled(form, Pool::kMaximum));
}

}  // namespace

OperatorLowerings pool_operator_lowerings() {
  return {{"aten.adaptive_avg_pool1d.default", form(average)},  {"aten.adaptive_avg_pool2d.default", form(average)},
          {"aten.adaptive_avg_pool3d.default", form(average)},  {"aten._adaptive_avg_pool2d.default", form(average)},
          {"aten._adaptive_avg_pool3d.default", form(average)}, {"aten.adaptive_max_pool1d.default", form(maximum)},
          {"aten.adaptive_max_pool2d.default", form(maximum)},  {"aten.adaptive_max_pool3d.default", form(maximum)}};
}

}  // namespace graftwork::core
