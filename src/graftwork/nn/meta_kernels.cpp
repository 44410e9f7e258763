#include "graftwork/nn/meta_kernels.h"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <ATen/native/TensorFactories.h>
#include <torch/library.h>

#include <algorithm>
#include <string>

namespace graftwork::core {
namespace {

at::Tensor like(const at::Tensor& x) { return at::empty(x.sizes(), x.options()); }
at::Tensor truth_like(const at::Tensor& x) { return at::empty(x.sizes(), x.options().dtype(at::kBool)); }
at::Tensor number_of(const at::Tensor& x) { return at::empty({}, x.options()); }
at::Tensor bounded(const at::Tensor& x, const c10::Scalar& /*least*/, const c10::Scalar& /*most*/) { return like(x); }
at::Tensor flipped(const at::Tensor& x, c10::IntArrayRef /*dims*/) { return like(x); }
at::Tensor rolled(const at::Tensor& x, c10::IntArrayRef /*shifts*/, c10::IntArrayRef /*dims*/) { return like(x); }

at::Tensor both(const at::Tensor& a, const at::Tensor& b) {
  return at::empty(at::infer_size(a.sizes(), b.sizes()), a.options().dtype(at::result_type(a, b)));
}

at::Tensor truth_of_both(const at::Tensor& a, const at::Tensor& b) {
  return at::empty(at::infer_size(a.sizes(), b.sizes()), a.options().dtype(at::kBool));
}

at::Tensor& written_like(const at::Tensor& x, at::Tensor& out) {
  out.resize_(x.sizes());
  return out;
}

/// The second is a buffer of its gradient.
std::tuple<at::Tensor, at::Tensor> with_buffer(const at::Tensor& x) { return {like(x), at::empty({0}, x.options())}; }

at::Tensor difference(const at::Tensor& a, const at::Tensor& b, const c10::Scalar& /*alpha*/) { return both(a, b); }

at::Tensor chosen(const at::Tensor& condition, const at::Tensor& a, const at::Tensor& b) {
  const auto shape = at::infer_size(condition.sizes(), at::infer_size(a.sizes(), b.sizes()));
  return at::empty(shape, condition.options().dtype(at::result_type(a, b)));
}

at::Tensor product_of_all(const at::Tensor& x, std::optional<at::ScalarType> dtype) {
  const at::ScalarType summed = at::isIntegralType(x.scalar_type(), true) ? at::kLong : x.scalar_type();
  return at::empty({}, x.options().dtype(dtype.value_or(summed)));
}

at::Tensor sum_of(const at::Tensor& x, at::OptionalIntArrayRef dims, bool keep, std::optional<at::ScalarType> dtype) {
  return at::sum(x, dims, keep, dtype);
}

at::Tensor number_of_both(const at::Tensor& a, const at::Tensor& /*b*/) { return number_of(a); }

at::Tensor selected(const at::Tensor& x, int64_t dim, const at::Tensor& index) {
  std::vector<int64_t> shape = x.sizes().vec();
  if (!shape.empty()) shape[static_cast<size_t>(at::maybe_wrap_dim(dim, x.dim()))] = index.numel();
  return at::empty(shape, x.options());
}

at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& /*bias*/,
                     c10::IntArrayRef stride, c10::IntArrayRef padding, c10::IntArrayRef dilation, bool transposed,
                     c10::IntArrayRef output_padding, int64_t groups, bool /*benchmark*/, bool /*deterministic*/,
                     bool /*cudnn_enabled*/, bool /*allow_tf32*/) {
  const auto is_small = [](c10::IntArrayRef numbers) {
    constexpr int64_t kMost = int64_t{1} << 30;  // products of two, and sums of those, fit 64 bits
    return std::ranges::all_of(numbers, [](int64_t number) { return -kMost <= number && number <= kMost; });
  };
  TORCH_CHECK(x.dim() > 1 && weight.dim() == x.dim(), "a convolution has a kernel of as many dimensions");
  const auto spatial = static_cast<size_t>(x.dim() - 2);
  for (const c10::IntArrayRef numbers : {stride, padding, dilation, output_padding})
    TORCH_CHECK(numbers.size() == spatial && is_small(numbers), "a convolution has a number for each dimension");
  TORCH_CHECK(is_small(x.sizes()) && is_small(weight.sizes()) && is_small(groups), "a convolution is not that large");
  std::vector<int64_t> shape{x.size(0), transposed ? weight.size(1) * groups : weight.size(0)};
  for (int64_t axis = 2; axis < x.dim(); ++axis) {
    const auto i = static_cast<size_t>(axis - 2);
    const int64_t reach = dilation[i] * (weight.size(axis) - 1), pad = 2 * padding[i];
    TORCH_CHECK(stride[i] > 0, "a convolution goes forward");
    shape.push_back(transposed ? (x.size(axis) - 1) * stride[i] - pad + reach + output_padding[i] + 1
                               : (x.size(axis) + pad - reach - 1) / stride[i] + 1);
  }
  return at::empty(shape, x.options());
}

/// The normalised, and what it was normalised by.
std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_normed(const at::Tensor& x, c10::IntArrayRef normalized,
                                                            const std::optional<at::Tensor>& /*weight*/,
                                                            const std::optional<at::Tensor>& /*bias*/, double /*eps*/) {
  std::vector<int64_t> shape = x.sizes().vec();
  TORCH_CHECK(normalized.size() <= shape.size(), "a norm is over dimensions that there are");
  std::fill(shape.end() - static_cast<std::ptrdiff_t>(normalized.size()), shape.end(), 1);
  return {like(x), at::empty(shape, x.options()), at::empty(shape, x.options())};
}

/// Of as many last dimensions as sizes are given.
at::Tensor pooled_to(const at::Tensor& x, c10::SymIntArrayRef sizes) {
  std::vector<int64_t> shape = x.sizes().vec();
  TORCH_CHECK(sizes.size() <= shape.size(), "a pool is over dimensions that there are");
  std::ranges::transform(sizes, shape.end() - static_cast<std::ptrdiff_t>(sizes.size()),
                         [](const c10::SymInt& size) { return size.expect_int(); });
  return at::empty(shape, x.options());
}

at::Tensor half_given(const at::Tensor& x, bool /*upper*/) { return like(x); }

at::Tensor reflected(const at::Tensor& vectors, const at::Tensor& /*factors*/) { return like(vectors); }

/// Of a matrix and what stands on the right, both with batches in front; whether the shapes fit is for the kernel to
/// say.
at::Tensor solved(const at::Tensor& matrix, const at::Tensor& right) {
  TORCH_CHECK(matrix.dim() >= 2 && right.dim() >= 2, "a matrix has two dimensions");
  std::vector<int64_t> shape = at::infer_size(matrix.sizes().slice(0, static_cast<size_t>(matrix.dim()) - 2),
                                              right.sizes().slice(0, static_cast<size_t>(right.dim()) - 2));
  shape.insert(shape.end(), {right.size(-2), right.size(-1)});
  return at::empty(shape, right.options());
}

at::Tensor solved_by_triangle(const at::Tensor& matrix, const at::Tensor& right, bool /*upper*/, bool /*left*/,
                              bool /*unitriangular*/) {
  return solved(matrix, right);
}

at::Tensor solved_by_factor(const at::Tensor& right, const at::Tensor& factor, bool /*upper*/) {
  return solved(factor, right);
}

/// Rows and columns of the places in the lower triangle of a matrix, or of those that are not.
template <bool kLower>
at::Tensor triangle(int64_t row, int64_t col, int64_t offset, std::optional<at::ScalarType> dtype,
                    std::optional<at::Layout> layout, std::optional<at::Device> /*device*/,
                    std::optional<bool> /*pin_memory*/) {
  constexpr int64_t kMost = int64_t{1} << 30;
  at::native::check_args(row, col, layout);
  TORCH_CHECK(row <= kMost && col <= kMost && -kMost <= offset && offset <= kMost, "a matrix is not that large");
  const int64_t lower = at::native::get_tril_size(row, col, kLower ? offset : offset - 1);
  return at::empty({2, kLower ? lower : row * col - lower},
                   at::TensorOptions(dtype.value_or(at::kLong)).device(at::kMeta));
}

template <class Kernel>
void provide(torch::Library& library, const char* name, const char* overload, Kernel kernel) {
  const auto op = c10::Dispatcher::singleton().findSchema({std::string("aten::") + name, overload});
  if (!op || op->hasKernelForDispatchKey(c10::DispatchKey::Meta)) return;
  library.impl(*overload ? (std::string(name) + "." + overload).c_str() : name, kernel);
}

}  // namespace

void provide_meta_kernels() {
  static torch::Library library = [] {
    torch::Library made(torch::Library::IMPL, "aten", c10::DispatchKey::Meta, __FILE__, __LINE__);
    for (const char* name : {"abs", "hardswish", "relu"}) provide(made, name, "", like);
    for (const char* name : {"isnan", "logical_not"}) provide(made, name, "", truth_like);
    for (const char* name : {"logical_and", "logical_or", "logical_xor"}) provide(made, name, "", truth_of_both);
    for (const char* name : {"max", "min"}) provide(made, name, "", number_of);
    for (const char* name : {"dot", "vdot"}) provide(made, name, "", number_of_both);
    provide(made, "nansum", "", sum_of);
    for (const char* name : {"_adaptive_avg_pool2d", "_adaptive_avg_pool3d"}) provide(made, name, "", pooled_to);
    provide(made, "_convolution", "", convolved);
    provide(made, "native_layer_norm", "", layer_normed);
    provide(made, "flip", "", flipped);
    provide(made, "hardtanh", "", bounded);
    provide(made, "cholesky_inverse", "", half_given);
    provide(made, "_cholesky_solve_helper", "", solved_by_factor);
    provide(made, "linalg_householder_product", "", reflected);
    provide(made, "linalg_matrix_exp", "", like);
    provide(made, "linalg_solve_triangular", "", solved_by_triangle);
    provide(made, "index_select", "", selected);
    provide(made, "log_sigmoid_forward", "", with_buffer);
    provide(made, "logical_not", "out", written_like);
    provide(made, "prod", "", product_of_all);
    provide(made, "roll", "", rolled);
    provide(made, "rsub", "Tensor", difference);
    provide(made, "tril_indices", "", triangle<true>);
    provide(made, "triu_indices", "", triangle<false>);
    provide(made, "where", "self", chosen);
    return made;
  }();
}

}  // namespace graftwork::core
