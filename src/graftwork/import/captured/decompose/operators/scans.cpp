// What has come so far, along a dimension: in steps that double, since ONNX accumulates sums alone.
#include <functional>
#include <limits>

#include "graftwork/import/captured/decompose/decomposition.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;
using Join = std::function<Tensors(const Tensors& earlier, const Tensors& later)>;

/// Each element joined with all in front of it: log2(extent) joins of whole tensors.
Tensors scan(Tensors values, int64_t dim, const Join& join) {
  const int64_t extent = values[0].size(dim);
  for (int64_t step = 1; step < extent; step *= 2) {
    Tensors earlier, later;
    for (const at::Tensor& value : values) {
      earlier.push_back(at::slice(value, dim, 0, extent - step));
      later.push_back(at::slice(value, dim, step, extent));
    }
    const Tensors joined = join(earlier, later);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = at::cat({at::slice(values[i], dim, 0, step), joined[i]}, dim);
  }
  return values;
}

Tensors cumprod(const Arguments& args) {
  at::Tensor x = args.tensor("self");
  if (const auto dtype = args.dtype("dtype")) {
    x = x.to(*dtype);
  } else if (!x.is_floating_point()) {
    x = x.to(at::kLong);
  }
  if (x.dim() == 0) return {at::clone(x)};
  return scan({x}, args.integer("dim"),
              [](const Tensors& a, const Tensors& b) -> Tensors { return {at::mul(a[0], b[0])}; });
}

Tensors logcumsumexp(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  if (x.dim() == 0) return {at::clone(x)};
  return scan({x}, args.integer("dim"),
              [](const Tensors& a, const Tensors& b) -> Tensors { return {at::logaddexp(a[0], b[0])}; });
}

/// Values with their places; of equal ones the later.
Tensors extremes(const Arguments& args, at::Tensor (*keeps_later)(const at::Tensor&, const at::Tensor&)) {
  const at::Tensor& x = args.tensor("self");
  const auto longs = x.options().dtype(at::kLong);
  if (x.dim() == 0) return {at::clone(x), at::zeros({}, longs)};
  const int64_t dim = at::maybe_wrap_dim(args.integer("dim"), x.dim());
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[static_cast<size_t>(dim)] = x.size(dim);
  const at::Tensor places = at::reshape(at::arange(x.size(dim), longs), shape).expand(x.sizes());
  return scan({x, places}, dim, [keeps_later](const Tensors& a, const Tensors& b) -> Tensors {
    const at::Tensor later = keeps_later(b[0], a[0]);
    return {at::where(later, b[0], a[0]), at::where(later, b[1], a[1])};
  });
}

Tensors cummax(const Arguments& args) { return extremes(args, at::ge); }
Tensors cummin(const Arguments& args) { return extremes(args, at::le); }

/// By slices that need no size, which may be known at run time only.
Tensors diff(const Arguments& args) {
  constexpr int64_t kMostTimes = 64;
  const int64_t times = args.integer("n"), dim = args.integer("dim");
  if (times == 0) return {at::clone(args.tensor("self"))};
  Tensors joined;
  for (const char* part : {"prepend", "self", "append"}) {
    if (const at::Tensor given = args.optional_tensor(part); given.defined()) joined.push_back(given);
  }
  at::Tensor x = joined.size() == 1 ? joined[0] : at::cat(joined, dim);
  if (x.dim() == 0 || times < 0 || times > kMostTimes) return stays("it has no differences, or too many");
  for (int64_t i = 0; i < times; ++i) {
    const at::Tensor later = at::slice(x, dim, 1), earlier = at::slice(x, dim, 0, -1);
    x = x.scalar_type() == at::kBool ? at::logical_xor(later, earlier) : at::sub(later, earlier);
  }
  return {x};
}

}  // namespace

Decompositions scan_decompositions() {
  return {{"aten.diff.default", diff},
          {"aten.cumprod.default", cumprod},
          {"aten.logcumsumexp.default", logcumsumexp},
          {"aten.cummax.default", cummax},
          {"aten.cummin.default", cummin}};
}

}  // namespace graftwork::core::captured
