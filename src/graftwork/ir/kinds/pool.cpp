// nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork {
namespace {

const TensorType& image(const ShapeQuery& query) {
  const TensorType& input = query.tensor(0);
  if (input.rank() < 3) refuse_shape(cat("2-D pooling takes a tensor of rank 3 or 4, not ", input.text()));
  return input;
}

/// Pooling rounds up on request, but no window may start in the right padding (torch's rule).
Dim pooled_extent(const Dim& in, int64_t padding, int64_t dilation, int64_t kernel, int64_t stride, bool ceil_mode) {
  if (!ceil_mode) return window_extent(in, 2 * padding, dilation, kernel, stride);
  Dim out = window_extent(in, 2 * padding + stride - 1, dilation, kernel, stride);
  if (out.is_static() && in.is_static() && (out.value() - 1) * stride >= in.value() + padding) out = out - 1;
  return out;
}

Type pool_shape(const ShapeQuery& query, bool has_dilation) {
  TensorType result = image(query);
  for (size_t i = 0; i < 2; ++i) {
    Dim& dim = result.dims[result.rank() - 2 + i];
    dim = pooled_extent(dim, query.integers("padding")[i], has_dilation ? query.integers("dilation")[i] : 1,
                        query.integers("kernel_size")[i], query.integers("stride")[i], query.flag("ceil_mode"));
  }
  return result;
}

Type adaptive_shape(const ShapeQuery& query) {
  TensorType result = image(query);
  for (size_t i = 0; i < 2; ++i) result.dims[result.rank() - 2 + i] = Dim(query.integers("output_size")[i]);
  return result;
}

}  // namespace

std::vector<Kind> pool_kinds() {
  const Attribute zeros(std::vector<int64_t>{0, 0});
  const Attribute ones(std::vector<int64_t>{1, 1});
  const AttrForm at_least_one = AttrForm::integers(2, 1);
  const AttrForm at_least_zero = AttrForm::integers(2, 0);

  Kind max_pool;
  max_pool.name = "nn.MaxPool2d";
  max_pool.attrs = {{"kernel_size", at_least_one},
                    {"stride", at_least_one},
                    {"padding", at_least_zero, zeros},
                    {"dilation", at_least_one, ones},
                    {"ceil_mode", AttrForm::flag(), Attribute(false)}};
  max_pool.shape = [](const ShapeQuery& query) { return pool_shape(query, true); };

  Kind avg_pool;
  avg_pool.name = "nn.AvgPool2d";
  avg_pool.attrs = {{"kernel_size", at_least_one},
                    {"stride", at_least_one},
                    {"padding", at_least_zero, zeros},
                    {"ceil_mode", AttrForm::flag(), Attribute(false)},
                    {"count_include_pad", AttrForm::flag(), Attribute(true)}};
  avg_pool.shape = [](const ShapeQuery& query) { return pool_shape(query, false); };

  Kind adaptive;
  adaptive.name = "nn.AdaptiveAvgPool2d";
  adaptive.attrs = {{"output_size", at_least_one}};
  adaptive.shape = adaptive_shape;
  return {max_pool, avg_pool, adaptive};
}

}  // namespace graftwork
