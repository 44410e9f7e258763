#include "graftwork/patterns/attention/projection.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/text.h"
#include "graftwork/ir/reads_behind.h"
#include "graftwork/patterns/attention/scores.h"

namespace graftwork::core {
namespace {

constexpr size_t kLongestWay = 32;

/// Walks up; the layer is the last of the way.
Outcome find_layer(Node& operand, Projection& projection) {
  static const Symbol kLinear = "nn.Linear";
  Node* at = &operand;
  while (projection.way.size() < kLongestWay) {
    projection.way.push_back(at);
    if (at->kind() == NodeKind::kCallModule && at->op() == kLinear) {
      projection.layer = at;
      return applied();
    }
    const std::optional<double> factor = factor_of(*at);
    const bool is_known = !factor || std::isfinite(*factor);
    if (!is_known || (!factor && !moves_data(*at))) break;
    if (factor) projection.scale *= *factor;
    at = &at->input(0);
  }
  return declined(cat("%", at->name().str(), " = ", at->op().str(), " is no projection"));
}

std::optional<Layout> layout_of(const Projection& projection) {
  if (!projection.layer->tensor()) return std::nullopt;
  std::optional<Layout> layout = Layout::of(*projection.layer->tensor());
  for (size_t i = projection.way.size() - 1; i-- > 0 && layout;) {
    const Node& node = *projection.way[i];
    const bool is_split = node.type().elements() != nullptr;  // its get_item says which part
    if (!is_split && !factor_of(node)) layout = moved(node, *layout);
  }
  return layout;
}

/// The dimensions that the axes are, each whole; nothing when they are something else.
std::optional<std::vector<size_t>> whole_dimensions(std::vector<Axis> axes, const TensorType& source) {
  std::vector<size_t> dims;
  for (size_t i = 0; i < axes.size();) {
    // A dimension may have been split: its axes follow each other, the outer one first.
    const size_t dim = axes[i].source;
    Dim extent(1);
    int64_t stride = axes[i].stride;
    size_t end = i;
    for (; end < axes.size() && axes[end].source == dim; ++end) {
      if (end > i &&
          !(axes[end].extent.is_static() && axes[end - 1].stride == axes[end].stride * axes[end].extent.value()))
        return std::nullopt;
      extent = extent * axes[end].extent;
      stride = axes[end].stride;
    }
    if (extent != source.dims[dim] || stride != 1) return std::nullopt;
    dims.push_back(dim);
    i = end;
  }
  return dims;
}

}  // namespace

Outcome read_projection(Node& operand, Projection& projection) {
  if (Outcome outcome = find_layer(operand, projection); !outcome) return outcome;
  const std::optional<Layout> layout = layout_of(projection);
  if (!layout) return declined(cat("what becomes of %", projection.layer->name().str(), " is more than moving data"));
  return read_heads(*layout, projection);
}

Outcome read_heads(const Layout& layout, Projection& projection) {
  const std::string name = projection.layer->name().str();
  if (layout.dims.size() < 2) return declined(cat("the heads of %", name, " have no tokens"));
  const TensorType& source = *projection.layer->tensor();
  const size_t features = source.rank() - 1;

  const std::vector<Axis>& row = layout.dims.back();
  if (row.size() != 1 || row[0].source != features || row[0].stride != 1 || !row[0].extent.is_static())
    return declined(cat("the heads of %", name, " are no rows of its weight"));
  projection.size = row[0].extent.value();
  projection.first_row = layout.offsets[features];
  projection.head_stride = projection.size;

  std::vector<Axis> samples;
  for (size_t dim = 0; dim + 2 < layout.dims.size(); ++dim) {
    for (const Axis& axis : layout.dims[dim]) {
      if (axis.source != features) {
        if (projection.heads != 1) return declined(cat("the heads of %", name, " are not counted last"));
        samples.push_back(axis);
        continue;
      }
      if (projection.heads != 1 || !axis.extent.is_static())
        return declined(cat("the heads of %", name, " are no heads"));
      projection.heads = axis.extent.value();
      projection.head_stride = axis.stride;
    }
  }
  const auto sample_dims = whole_dimensions(samples, source);
  const auto token_dims = whole_dimensions(layout.dims[layout.dims.size() - 2], source);
  if (!sample_dims || !token_dims) return declined(cat("its operands are parts of the samples or tokens of %", name));
  projection.samples = *sample_dims;
  projection.tokens = *token_dims;
  return applied();
}

const Node* sole_reader(const Node& value) {
  const auto reads = reads_behind(value, [](const Node& node) { return moves_data(node) || factor_of(node); });
  if (!reads || reads->empty()) return nullptr;
  const Node* reader = reads->front()->user();
  const auto is_the_one = [&](const Use* read) { return read->user() == reader; };
  return std::all_of(reads->begin(), reads->end(), is_the_one) ? reader : nullptr;
}

}  // namespace graftwork::core
