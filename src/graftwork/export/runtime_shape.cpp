#include "graftwork/export/runtime_shape.h"

#include <algorithm>
#include <optional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/runtime_number.h"

namespace graftwork::core {
namespace {

/// A value that was lowered before and has an extent that `suits`, and its axis.
template <class Suits>
std::optional<std::pair<const Node*, size_t>> find_extent(const Lowering& lowering, const Suits& suits) {
  for (const Node& node : lowering.network().module.graph().nodes()) {
    if (!node.tensor() || !lowering.is_bound(node)) continue;
    const std::vector<Dim>& dims = node.tensor()->dims;
    const auto found = std::find_if(dims.begin(), dims.end(), suits);
    if (found != dims.end()) return std::pair(&node, static_cast<size_t>(found - dims.begin()));
  }
  return std::nullopt;
}

/// One extent, read from the first value of the graph that has it, or one of the same base.
std::string lower_extent(Lowering& lowering, const std::string& name, const Dim& extent) {
  if (const auto same = find_extent(lowering, [&](const Dim& dim) { return dim == extent; }))
    return lower_size(lowering, *same->first, same->second);
  const auto related = find_extent(lowering, [&](const Dim& dim) { return dim.base() == extent.base(); });
  if (!related) throw Error("export.shape", cat("no value before it has the extent ", extent.text()));
  const Dim& given = related->first->tensor()->dims[related->second];
  std::string value = lower_size(lowering, *related->first, related->second);
  const auto step = [&](const char* op_type, int64_t number, int64_t neutral) {
    if (number != neutral) value = lowering.add(op_type, name, {value, lowering.integers(name + "_number", {number})});
  };
  step("Sub", given.offset(), 0);
  step("Div", given.scale(), 1);
  step("Mul", extent.scale(), 1);
  step("Add", extent.offset(), 0);
  return value;
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

}  // namespace graftwork::core
