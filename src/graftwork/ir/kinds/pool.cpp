// nn.MaxPoolNd, nn.AvgPoolNd, nn.AdaptiveAvgPoolNd, nn.AdaptiveMaxPoolNd for one to three spatial dimensions.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {
namespace {

const TensorType& pooled(const ShapeQuery& query, size_t spatial) {
  const TensorType& input = query.tensor(0);
  if (input.rank() != spatial + 1 && input.rank() != spatial + 2) {
    refuse_shape(
        cat(spatial, "-D pooling takes a tensor of rank ", spatial + 1, " or ", spatial + 2, ", not ", input.text()));
  }
  return input;
}

/// Pooling rounds up on request, but no window may start in the right padding (torch's rule).
Dim pooled_extent(const Dim& in, int64_t padding, int64_t dilation, int64_t kernel, int64_t stride, bool ceil_mode) {
  if (!ceil_mode) return window_extent(in, 2 * padding, dilation, kernel, stride);
  Dim out = window_extent(in, 2 * padding + stride - 1, dilation, kernel, stride);
  if (!out.is_static() || !in.is_static()) return out;
  if (((out - 1) * Dim(stride)).value() >= (in + Dim(padding)).value()) out = out - 1;
  return out;
}

Type pool_shape(const ShapeQuery& query, size_t spatial, bool has_dilation) {
  TensorType result = pooled(query, spatial);
  for (size_t i = 0; i < spatial; ++i) {
    Dim& dim = result.dims[result.rank() - spatial + i];
    dim = pooled_extent(dim, query.integers("padding")[i], has_dilation ? query.integers("dilation")[i] : 1,
                        query.integers("kernel_size")[i], query.integers("stride")[i], query.flag("ceil_mode"));
  }
  return result;
}

Type adaptive_shape(const ShapeQuery& query, size_t spatial) {
  TensorType result = pooled(query, spatial);
  for (size_t i = 0; i < spatial; ++i) result.dims[result.rank() - spatial + i] = Dim(query.integers("output_size")[i]);
  return result;
}

Kind window_kind(const std::string& name, size_t spatial, bool is_max) {
  const Attribute zeros(std::vector<int64_t>(spatial, 0));
  const AttrForm at_least_one = AttrForm::integers(spatial, 1);
  Kind kind;
  kind.name = cat(name, spatial, "d");
  kind.attrs = {{"kernel_size", at_least_one},
                {"stride", at_least_one},
                {"padding", AttrForm::integers(spatial, 0), zeros},
                {"ceil_mode", AttrForm::flag(), Attribute(false)}};
  if (is_max) kind.attrs.push_back({"dilation", at_least_one, Attribute(std::vector<int64_t>(spatial, 1))});
  if (!is_max) kind.attrs.push_back({"count_include_pad", AttrForm::flag(), Attribute(true)});
  kind.shape = [=](const ShapeQuery& query) { return pool_shape(query, spatial, is_max); };
  return kind;
}

Kind adaptive_kind(const std::string& name, size_t spatial) {
  Kind kind;
  kind.name = cat(name, spatial, "d");
  kind.attrs = {{"output_size", AttrForm::integers(spatial, 1)}};
  kind.shape = [=](const ShapeQuery& query) { return adaptive_shape(query, spatial); };
  return kind;
}

}  // namespace

std::vector<Kind> pool_kinds() {
  std::vector<Kind> kinds;
  for (size_t spatial = 1; spatial <= 3; ++spatial) {
    kinds.push_back(window_kind("nn.MaxPool", spatial, true));
    kinds.push_back(window_kind("nn.AvgPool", spatial, false));
    kinds.push_back(adaptive_kind("nn.AdaptiveAvgPool", spatial));
    kinds.push_back(adaptive_kind("nn.AdaptiveMaxPool", spatial));
  }
  return kinds;
}

}  // namespace graftwork::core
