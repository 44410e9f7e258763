#include "graftwork/export/reducing_scatter.h"

#include "graftwork/base/saturating.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr int64_t kMostComparisons = int64_t{1} << 26;

const Form::Attributes kWithoutAxis{{"keepdims", int64_t{0}}};

/// Sizes known at run time count once.
int64_t product(const std::vector<Dim>& dims) {
  int64_t result = 1;
  for (const Dim& dim : dims) result = saturating_product(result, dim.maybe_value().value_or(1));
  return result;
}

/// How what is written to one place becomes one number, how that is joined with what was there, and the name that
/// ScatterElements has for both.
struct ReductionForm {
  const char* reducer;
  const char* combiner;
  const char* scatter;
};

const ReductionForm& form_of(Reduction reduction) {
  static constexpr ReductionForm kForms[] = {{"ReduceSum", "Add", "add"},
                                             {"ReduceProd", "Mul", "mul"},
                                             {"ReduceMax", "Max", "max"},
                                             {"ReduceMin", "Min", "min"}};
  return kForms[static_cast<size_t>(reduction)];
}

/// [count] as [count, 1, ..], which stands along the axis of what has `rank` dimensions.
std::string along_axis(Form& form, const std::string& row, size_t rank, int64_t axis) {
  std::vector<int64_t> shape(rank - static_cast<size_t>(axis), 1);
  shape[0] = -1;
  return shape.size() == 1 ? row : form.reshape(row, shape);
}

class Comparison {
 public:
  Comparison(Form& form, ReducingScatter scatter) : form_(form), scatter_(std::move(scatter)), narrow_(narrow_axes()) {}

  int64_t size() const {
    const auto axis = static_cast<size_t>(scatter_.axis);
    std::vector<Dim> dims = is_product() ? std::vector<Dim>{scatter_.index_dims[axis]} : scatter_.index_dims;
    if (!is_product()) {
      for (const size_t i : narrow_) dims[i] = scatter_.x_dims[i];
    }
    dims.push_back(scatter_.x_dims[axis]);
    return product(dims);
  }

  std::string result() {
    const bool multiplies = is_product();
    if (!narrow_.empty()) cover();
    return multiplies ? by_product() : by_choice();
  }

 private:
  int64_t rank() const { return static_cast<int64_t>(scatter_.x_dims.size()); }
  /// What is added beside a narrow source is 0; all else must know what is written.
  bool takes_zeros() const { return scatter_.reduction == Reduction::kSum && scatter_.include_self; }
  /// Products of matrices compare once for all other dimensions. Integers have none.
  bool is_product() const {
    return scatter_.one_for_all && scatter_.reduction == Reduction::kSum && is_floating(scatter_.type) &&
           (narrow_.empty() || takes_zeros());
  }

  /// Along which the index stops before `x` does, or may.
  std::vector<size_t> narrow_axes() const {
    std::vector<size_t> axes;
    for (size_t i = 0; i < scatter_.x_dims.size(); ++i) {
      if (static_cast<int64_t>(i) != scatter_.axis && scatter_.index_dims[i] != scatter_.x_dims[i]) axes.push_back(i);
    }
    return axes;
  }

  /// A narrow index goes on with places that there are none of.
  void cover() {
    const std::string widths = missing();
    const bool spreads = scatter_.one_for_all && !takes_zeros();
    if (spreads) {  // as large as the source again
      scatter_.index = form_.add("Expand", {along_axis(scatter_.index), form_.add("Shape", {scatter_.source})});
      scatter_.one_for_all = false;
    }
    if (!scatter_.one_for_all)
      scatter_.index = form_.add("Pad", {scatter_.index, widths, form_.constant(at::scalar_tensor(-1, at::kLong))});
    scatter_.source = form_.add("Pad", {scatter_.source, widths, form_.scalar(0, scatter_.type)});
  }

  /// What the source lacks behind each dimension: widths of padding.
  std::string missing() const {
    std::vector<int64_t> ahead(static_cast<size_t>(rank()), 0), behind = ahead, is_narrow = ahead;
    bool is_known = true;
    for (const size_t i : narrow_) {
      const auto own = scatter_.index_dims[i].maybe_value(), wanted = scatter_.x_dims[i].maybe_value();
      is_known &= own && wanted;
      is_narrow[i] = 1;
      if (own && wanted) behind[i] = *wanted - *own;
    }
    if (is_known) {
      ahead.insert(ahead.end(), behind.begin(), behind.end());
      return form_.list(ahead);
    }
    const std::string all = form_.add("Sub", {form_.add("Shape", {scatter_.x}), form_.add("Shape", {scatter_.source})});
    return form_.add("Concat", {form_.list(ahead), form_.add("Mul", {all, form_.list(is_narrow)})},
                     {{"axis", int64_t{0}}});
  }

  std::string along_axis(const std::string& row) const {
    return graftwork::core::along_axis(form_, row, scatter_.x_dims.size(), scatter_.axis);
  }

  /// The places of the axis, as a tensor of `shape`, which has one open size.
  std::string places(const std::vector<int64_t>& shape) const {
    const Dim& size = scatter_.x_dims[static_cast<size_t>(scatter_.axis)];
    if (size.is_static()) return form_.constant(at::arange(size.value(), at::kLong).reshape(shape));
    const std::string axis = form_.constant(at::scalar_tensor(scatter_.axis, at::kLong));
    const std::string count = form_.add("Gather", {form_.add("Shape", {scatter_.x}), axis});
    const std::string zero = form_.constant(at::scalar_tensor(0, at::kLong));
    const std::string one = form_.constant(at::scalar_tensor(1, at::kLong));
    return form_.reshape(form_.add("Range", {zero, count, one}), shape);
  }

  /// Sums by a matrix of ones and zeros, [places, count] or, where the axis is the last, [count, places].
  std::string by_product() const {
    const bool last = scatter_.axis == rank() - 1, moves = scatter_.axis < rank() - 2;
    const std::string index =
        form_.reshape(scatter_.index, last ? std::vector<int64_t>{-1, 1} : std::vector<int64_t>{1, -1});
    const std::string hits =
        form_.add("Equal", {index, places(last ? std::vector<int64_t>{1, -1} : std::vector<int64_t>{-1, 1})});
    const std::string matrix = form_.cast(hits, scatter_.type);
    std::string source = rank() == 1 ? form_.reshape(scatter_.source, {1, -1}) : scatter_.source;
    std::vector<int64_t> order;
    for (int64_t i = 0; i < rank(); ++i) order.push_back(i);
    if (moves) {
      std::swap(order[static_cast<size_t>(scatter_.axis)], order[order.size() - 2]);
      source = form_.transpose(source, order);
    }
    std::string sum = last ? form_.add("MatMul", {source, matrix}) : form_.add("MatMul", {matrix, source});
    if (moves) sum = form_.transpose(sum, order);
    if (rank() == 1) sum = form_.reshape(sum, {-1});
    if (scatter_.include_self) return form_.add("Add", {scatter_.x, sum});
    const std::string touched = any_of(hits, last ? 0 : 1);
    return form_.add("Where", {along_axis(touched), sum, scatter_.x});
  }

  /// A sum, because of no hits it is 0.
  std::string any_of(const std::string& hits, int64_t axis) const {
    const std::string counted = form_.cast(hits, DType::kI32);
    return form_.cast(form_.add("ReduceSum", {counted, form_.list({axis})}, kWithoutAxis), DType::kBool);
  }

  /// For each place what is written there, and something neutral for what is not: [.., places, count, ..].
  std::string by_choice() const {
    std::vector<int64_t> shape(static_cast<size_t>(rank() - scatter_.axis + 1), 1);
    shape[0] = -1;
    const std::string at = form_.list({scatter_.axis}), behind = form_.list({scatter_.axis + 1});
    const std::string index =
        scatter_.one_for_all ? along_axis(scatter_.index) : form_.add("Unsqueeze", {scatter_.index, at});
    const std::string hits = form_.add("Equal", {index, places(shape)});
    const std::string source = form_.add("Unsqueeze", {scatter_.source, at});
    const std::string chosen = form_.add("Where", {hits, source, neutral()});
    const std::string found = form_.add(form_of(scatter_.reduction).reducer, {chosen, behind}, kWithoutAxis);
    if (scatter_.include_self) return form_.add(form_of(scatter_.reduction).combiner, {scatter_.x, found});
    return form_.add("Where", {any_of(hits, scatter_.axis - rank()), found, scatter_.x});
  }

  /// The greatest or least is looked for together with what was there before, or with the least or greatest of all
  /// numbers.
  std::string neutral() const {
    if (scatter_.reduction == Reduction::kSum) return form_.scalar(0, scatter_.type);
    if (scatter_.reduction == Reduction::kProduct) return form_.scalar(1, scatter_.type);
    if (scatter_.include_self) return form_.add("Unsqueeze", {scatter_.x, form_.list({scatter_.axis + 1})});
    const bool greatest = scatter_.reduction == Reduction::kGreatest;
    if (scatter_.type == DType::kI64) return form_.constant(limit<int64_t>(greatest));
    if (scatter_.type == DType::kI32) return form_.constant(limit<int32_t>(greatest));
    const double infinity = std::numeric_limits<double>::infinity();
    return form_.scalar(greatest ? -infinity : infinity, scatter_.type);
  }

  template <typename Number>
  static at::Tensor limit(bool least) {
    const Number number = least ? std::numeric_limits<Number>::min() : std::numeric_limits<Number>::max();
    return at::scalar_tensor(number, c10::CppTypeToScalarType<Number>::value);
  }

  Form& form_;
  ReducingScatter scatter_;
  std::vector<size_t> narrow_;
};

/// In FP32: ONNX Runtime reduces narrower floats in no scatter.
std::string by_scatter(Form& form, ReducingScatter scatter) {
  const DType type = scatter.type;
  const bool is_narrow = type == DType::kF16 || type == DType::kBF16;
  if (is_narrow) {
    scatter.x = form.cast(scatter.x, DType::kF32);
    scatter.source = form.cast(scatter.source, DType::kF32);
  }
  if (scatter.one_for_all) {
    const std::string row = along_axis(form, scatter.index, scatter.x_dims.size(), scatter.axis);
    scatter.index = form.add("Expand", {row, form.add("Shape", {scatter.source})});
  }
  if (!scatter.include_self) {
    // Where something is written, something neutral takes the place of what was there; for an extreme, one of those
    // among which it is.
    std::string first = scatter.source;
    if (scatter.reduction == Reduction::kSum || scatter.reduction == Reduction::kProduct) {
      const std::string number =
          form.scalar(scatter.reduction == Reduction::kProduct ? 1 : 0, is_narrow ? DType::kF32 : type);
      first = form.add("Expand", {number, form.add("Shape", {scatter.index})});
    }
    scatter.x = form.add("ScatterElements", {scatter.x, scatter.index, first}, {{"axis", scatter.axis}});
  }
  const std::string made =
      form.add("ScatterElements", {scatter.x, scatter.index, scatter.source},
               {{"axis", scatter.axis}, {"reduction", std::string(form_of(scatter.reduction).scatter)}});
  return is_narrow ? form.cast(made, type) : made;
}

}  // namespace

DType reducing_type(DType type) { return is_floating(type) || type == DType::kI64 ? type : DType::kI32; }

std::string reduced(Form& form, ReducingScatter scatter) {
  Lowering& lowering = form.lowering();
  if (!lowering.options().backend->file.lacks_reducing_scatters) return by_scatter(form, std::move(scatter));
  Comparison comparison(form, scatter);
  if (comparison.size() <= kMostComparisons) return comparison.result();
  lowering.warn(cat(place_of(form.node()), ": it is written as a ScatterElements that reduces, which ",
                    lowering.options().backend->name, " has no form for: what goes without would compare ",
                    comparison.size(), " pairs of an index and a place, more than ", kMostComparisons));
  return by_scatter(form, std::move(scatter));
}

}  // namespace graftwork::core
