// Along dimensions.
#include <algorithm>

#include "graftwork/import/captured/decompose/decomposition.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

at::OptionalIntArrayRef over(const std::vector<int64_t>& dims) {
  return dims.empty() ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(dims);
}

struct Moments {
  at::Tensor mean;
  at::Tensor variance;
};

/// Σ (x − mean)² / (n − correction), by 0 where the correction takes all of them: torch says ∞ or NaN then.
Moments moments_of(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const std::vector<int64_t> dims = args.has("dim") ? args.integers("dim") : std::vector<int64_t>();
  const bool keep = args.has("keepdim") && args.flag("keepdim");
  double correction = 1;
  if (args.has("unbiased")) correction = args.flag("unbiased") ? 1 : 0;
  if (args.has("correction") && args.is_given("correction")) correction = args.number("correction").toDouble();
  auto count = static_cast<double>(dims.empty() ? x.numel() : 1);
  for (const int64_t dim : dims) count *= x.dim() == 0 ? 1 : static_cast<double>(x.size(dim));
  const double divisor = std::max(count - correction, 0.0);
  const at::Tensor mean = at::mean(x, over(dims), true);
  const at::Tensor squares = at::sum(at::square(at::sub(x, mean)), over(dims), keep);
  return {keep ? mean : at::mean(x, over(dims), false), at::div(squares, divisor)};
}

Tensors var(const Arguments& args) { return {moments_of(args).variance}; }
Tensors std_of(const Arguments& args) { return {at::sqrt(moments_of(args).variance)}; }

Tensors var_mean(const Arguments& args) {
  const Moments moments = moments_of(args);
  return {moments.variance, moments.mean};
}

Tensors std_mean(const Arguments& args) {
  const Moments moments = moments_of(args);
  return {at::sqrt(moments.variance), moments.mean};
}

Tensors aminmax(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const std::vector<int64_t> dims = args.integers("dim");
  return {at::amin(x, dims, args.flag("keepdim")), at::amax(x, dims, args.flag("keepdim"))};
}

Tensors count_nonzero(const Arguments& args) {
  const bool one = args.at("dim").isInt();
  const std::vector<int64_t> dims = one ? std::vector<int64_t>{args.integer("dim")} : args.integers("dim");
  return {at::sum(at::ne(args.tensor("self"), 0).to(at::kLong), over(dims), false)};
}

Tensors nansum(const Arguments& args) {
  at::Tensor x = args.tensor("self");
  if (x.is_floating_point()) x = at::masked_fill(x, at::isnan(x), 0);
  return {at::sum(x, over(args.integers("dim")), args.flag("keepdim"), args.dtype("dtype"))};
}

/// The k-th of the sorted, and where it stood.
Tensors kth(const at::Tensor& given, int64_t k, int64_t dim, bool keep) {
  const at::Tensor x = given.dim() == 0 ? at::reshape(given, {1}) : given;
  if (k < 1 || k > x.size(dim)) leave_as_it_is("it has no such element");
  const auto [values, places] = at::sort(x, dim, false);
  if (keep && given.dim() > 0) return {at::slice(values, dim, k - 1, k), at::slice(places, dim, k - 1, k)};
  return {at::select(values, dim, k - 1), at::select(places, dim, k - 1)};
}

Tensors kthvalue(const Arguments& args) {
  return kth(args.tensor("self"), args.integer("k"), args.integer("dim"), args.flag("keepdim"));
}

/// The lower of two. NaN, where there is one: the first.
Tensors median_along(const at::Tensor& x, int64_t dim, bool keep) {
  const int64_t extent = x.dim() == 0 ? 1 : x.size(dim);
  Tensors found = kth(x, (extent + 1) / 2, dim, keep);
  if (!x.is_floating_point()) return found;
  const at::Tensor missing = at::isnan(x), any = at::any(missing, dim, keep);
  return {at::masked_fill(found[0], any, std::numeric_limits<double>::quiet_NaN()),
          at::where(any, at::argmax(missing.to(at::kInt), dim, keep), found[1])};
}

Tensors median(const Arguments& args) {
  return median_along(args.tensor("self"), args.integer("dim"), args.flag("keepdim"));
}

Tensors median_of_all(const Arguments& args) {
  const at::Tensor flat = at::flatten(args.tensor("self"));
  if (flat.numel() == 0) return stays("it has no numbers");
  return {median_along(flat, 0, false)[0]};
}

/// Whether each element is among others.
Tensors isin(const Arguments& args) {
  const c10::IValue &elements = args.at("elements"), &others = args.at("test_elements");
  if (!elements.isTensor()) return stays("it asks about a number");
  const at::Tensor& x = elements.toTensor();
  const at::Tensor found = others.isTensor() ? at::any(at::eq(at::unsqueeze(x, -1), at::flatten(others.toTensor())), -1)
                                             : at::eq(x, args.number("test_element"));
  return {args.flag("invert") ? at::logical_not(found) : found};
}

Tensors isin_number(const Arguments& args) {
  const at::Tensor found = at::eq(args.tensor("elements"), args.number("test_element"));
  return {args.flag("invert") ? at::logical_not(found) : found};
}

/// How many boundaries stand in front.
at::Tensor place_among(const at::Tensor& x, const at::Tensor& boundaries, bool right, bool narrow) {
  const at::Tensor value = at::unsqueeze(x, -1);
  const at::Tensor passed = right ? at::le(boundaries, value) : at::lt(boundaries, value);
  return at::sum(passed.to(narrow ? at::kInt : at::kLong), {-1}, false, narrow ? at::kInt : at::kLong);
}

Tensors bucketize(const Arguments& args) {
  return {place_among(args.tensor("self"), args.tensor("boundaries"), args.flag("right"), args.flag("out_int32"))};
}

Tensors searchsorted(const Arguments& args) {
  if (args.optional_tensor("sorter").defined()) return stays("it is sorted by another tensor");
  bool right = args.flag("right");
  if (args.is_given("side")) right = args.text("side") == "right";
  const at::Tensor& sorted = args.tensor("sorted_sequence");
  const at::Tensor rows = sorted.dim() == 1 ? sorted : at::unsqueeze(sorted, -2);
  if (args.at("self").isTensor()) return {place_among(args.tensor("self"), rows, right, args.flag("out_int32"))};
  const c10::Scalar number = args.number("self");
  const bool promotes = number.isFloatingPoint() && !sorted.is_floating_point();
  const auto options = sorted.options().dtype(promotes ? at::kFloat : sorted.scalar_type());
  return {place_among(at::scalar_tensor(number, options), rows, right, args.flag("out_int32"))};
}

}  // namespace

Decompositions reduction_decompositions() {
  return {{"aten.var.default", var},
          {"aten.var.dim", var},
          {"aten.std.default", std_of},
          {"aten.std.dim", std_of},
          {"aten.var_mean.default", var_mean},
          {"aten.var_mean.dim", var_mean},
          {"aten.std_mean.default", std_mean},
          {"aten.std_mean.dim", std_mean},
          {"aten.var.correction", var},
          {"aten.std.correction", std_of},
          {"aten.var_mean.correction", var_mean},
          {"aten.std_mean.correction", std_mean},
          {"aten.aminmax.default", aminmax},
          {"aten.count_nonzero.default", count_nonzero},
          {"aten.count_nonzero.dim_IntList", count_nonzero},
          {"aten.nansum.default", nansum},
          {"aten.kthvalue.default", kthvalue},
          {"aten.median.dim", median},
          {"aten.median.default", median_of_all},
          {"aten.isin.Tensor_Tensor", isin},
          {"aten.isin.Tensor_Scalar", isin_number},
          {"aten.bucketize.Tensor", bucketize},
          {"aten.searchsorted.Tensor", searchsorted},
          {"aten.searchsorted.Scalar", searchsorted}};
}

}  // namespace graftwork::core::captured
