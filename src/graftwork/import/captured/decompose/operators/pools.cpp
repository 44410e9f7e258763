// Pools: without a batch, and with divisors of their own.
#include "graftwork/import/captured/decompose/decomposition.h"

namespace graftwork::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

/// Runs a pool on a batch of one.
template <class Pool>
Tensors batched(const Arguments& args, int64_t spatial, const Pool& pool) {
  const at::Tensor& x = args.tensor("self");
  if (x.dim() != spatial + 1) leave_as_it_is("it has a batch");
  return {at::squeeze(pool(at::unsqueeze(x, 0)), 0)};
}

std::vector<int64_t> size_of(const Arguments& args) { return args.integers("output_size"); }

Tensors adaptive_avg_pool1d(const Arguments& args) {
  return batched(args, 1, [&](const at::Tensor& x) { return at::adaptive_avg_pool1d(x, size_of(args)); });
}
Tensors adaptive_avg_pool2d(const Arguments& args) {
  return batched(args, 2, [&](const at::Tensor& x) { return at::adaptive_avg_pool2d(x, size_of(args)); });
}
Tensors adaptive_avg_pool3d(const Arguments& args) {
  return batched(args, 3, [&](const at::Tensor& x) { return at::adaptive_avg_pool3d(x, size_of(args)); });
}

/// A divisor of its own is one factor for all windows, where no window is cut.
template <int64_t kSpatial>
Tensors avg_pool(const Arguments& args) {
  const at::Tensor& x = args.tensor("self");
  const std::vector<int64_t> kernel = args.integers("kernel_size"), stride = args.integers("stride");
  const std::vector<int64_t> padding = args.integers("padding");
  const bool ceil = args.flag("ceil_mode");
  bool counts_padding = args.flag("count_include_pad");
  double factor = 1;
  if constexpr (kSpatial > 1) {
    if (args.is_given("divisor_override")) {
      if (ceil) leave_as_it_is("its last windows may be cut");
      int64_t elements = 1;
      for (int64_t i = 0; i < kSpatial; ++i) elements *= kernel[kernel.size() == 1 ? 0 : static_cast<size_t>(i)];
      factor = static_cast<double>(elements) / args.number("divisor_override").toDouble();
      counts_padding = true;
    }
  }
  const bool single = x.dim() == kSpatial + 1;
  if (!single && factor == 1) leave_as_it_is("it is a pool as modules are");
  const at::Tensor batch = single ? at::unsqueeze(x, 0) : x;
  at::Tensor pooled;
  if constexpr (kSpatial == 1) pooled = at::avg_pool1d(batch, kernel, stride, padding, ceil, counts_padding);
  if constexpr (kSpatial == 2) pooled = at::avg_pool2d(batch, kernel, stride, padding, ceil, counts_padding);
  if constexpr (kSpatial == 3) pooled = at::avg_pool3d(batch, kernel, stride, padding, ceil, counts_padding);
  if (factor != 1) pooled = at::mul(pooled, factor);
  return {single ? at::squeeze(pooled, 0) : pooled};
}

template <int64_t kSpatial>
Tensors max_pool(const Arguments& args) {
  return batched(args, kSpatial, [&](const at::Tensor& x) {
    const std::vector<int64_t> kernel = args.integers("kernel_size"), stride = args.integers("stride");
    const std::vector<int64_t> padding = args.integers("padding"), dilation = args.integers("dilation");
    const bool ceil = args.flag("ceil_mode");
    if constexpr (kSpatial == 1) return at::max_pool1d(x, kernel, stride, padding, dilation, ceil);
    if constexpr (kSpatial == 2) return at::max_pool2d(x, kernel, stride, padding, dilation, ceil);
    if constexpr (kSpatial == 3) return at::max_pool3d(x, kernel, stride, padding, dilation, ceil);
  });
}

}  // namespace

Decompositions pool_decompositions() {
  return {{"aten.adaptive_avg_pool1d.default", adaptive_avg_pool1d},
          {"aten.adaptive_avg_pool2d.default", adaptive_avg_pool2d},
          {"aten.adaptive_avg_pool3d.default", adaptive_avg_pool3d},
          {"aten.avg_pool1d.default", avg_pool<1>},
          {"aten.avg_pool2d.default", avg_pool<2>},
          {"aten.avg_pool3d.default", avg_pool<3>},
          {"aten.max_pool1d.default", max_pool<1>},
          {"aten.max_pool2d.default", max_pool<2>},
          {"aten.max_pool3d.default", max_pool<3>}};
}

}  // namespace graftwork::captured
