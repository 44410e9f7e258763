#include "graftwork/patterns/attention/batch.h"

#include <algorithm>

#include "graftwork/ir/view_call.h"

namespace graftwork::core {
namespace {

/// How many of the extents from `begin` on make up `whole`, as few as do; nothing when they do not.
std::optional<size_t> factors_of(const Dim& whole, std::span<const Dim> fine, size_t begin) {
  if (whole == Dim(1)) return 0;
  Dim product(1);
  for (size_t end = begin; end < fine.size(); ++end) {
    product = product * fine[end];
    if (product == whole) return end + 1 - begin;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<Dim>> regrouped(std::span<const Dim> mask, std::span<const Dim> coarse,
                                          std::span<const Dim> fine) {
  const size_t batch = mask.size() - 2;
  if (std::equal(coarse.begin(), coarse.end(), fine.begin(), fine.end())) return std::vector(mask.begin(), mask.end());
  std::vector<Dim> dims;
  size_t at = 0;
  for (size_t i = 0; i < coarse.size(); ++i) {
    auto count = factors_of(coarse[i], fine, at);
    if (!count) return std::nullopt;
    // Ones belong to what stands in front of them where nothing else is left.
    if (i + 1 == coarse.size()) {
      while (at + *count < fine.size() && fine[at + *count] == Dim(1)) ++*count;
    }
    const bool is_absent = i + batch < coarse.size();
    const Dim extent = is_absent ? Dim(1) : mask[i + batch - coarse.size()];
    if (extent != coarse[i] && extent != Dim(1)) return std::nullopt;
    for (size_t k = 0; k < *count; ++k) dims.push_back(extent == Dim(1) ? Dim(1) : fine[at + k]);
    at += *count;
  }
  if (at != fine.size()) return std::nullopt;
  dims.insert(dims.end(), mask.end() - 2, mask.end());
  return dims;
}

Node* viewed(Node& value, std::span<const Dim> dims, Graft& graft, const Origin& origin) {
  const std::vector<Dim>& now = value.tensor()->dims;
  if (std::equal(now.begin(), now.end(), dims.begin(), dims.end())) return &value;
  std::optional<ViewCall> view = view_call(now, dims);
  return view ? &graft.call_function(view->op, {&value}, std::move(view->attrs), origin) : nullptr;
}

}  // namespace graftwork::core
