#include "graftwork/export/runtime_shape.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {
namespace {

/// One extent, read from the first value of the graph that has it.
std::string lower_extent(Lowering& lowering, const std::string& name, const Dim& extent) {
  for (const Node& node : lowering.network().module.graph().nodes()) {
    if (!node.tensor() || !lowering.is_bound(node)) continue;
    const std::vector<Dim>& dims = node.tensor()->dims;
    const auto found = std::find(dims.begin(), dims.end(), extent);
    if (found == dims.end()) continue;
    const auto axis = static_cast<int64_t>(found - dims.begin());
    return lowering.add("Shape", name, {lowering.value(node)}, {{"end", axis + 1}, {"start", axis}});
  }
  throw Error("export.shape", cat("no value before it has the extent ", extent.text()));
}

}  // namespace

std::string lower_shape(Lowering& lowering, const std::string& name, const TensorType& type) {
  std::vector<std::string> pieces;
  std::vector<int64_t> known;  // extents that stand together
  const auto flush = [&] {
    if (!known.empty()) pieces.push_back(lowering.integers(cat(name, "_known_", pieces.size()), known));
    known.clear();
  };
  for (size_t i = 0; i < type.rank(); ++i) {
    if (const auto extent = type.dims[i].maybe_value()) {
      known.push_back(*extent);
      continue;
    }
    flush();
    pieces.push_back(lower_extent(lowering, cat(name, "_extent_", i), type.dims[i]));
  }
  flush();
  if (pieces.size() == 1) return pieces[0];
  if (pieces.empty()) return lowering.integers(name, {});
  return lowering.add("Concat", name, std::move(pieces), {{"axis", int64_t{0}}});
}

}  // namespace graftwork
