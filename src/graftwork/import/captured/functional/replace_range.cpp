#include "graftwork/import/captured/functional/replace_range.h"

#include "graftwork/base/text.h"

namespace graftwork::core::captured {

std::string replace_range(Emitter& emitter, const std::string& source, const TensorMeta& meta, const Range& range,
                          const std::string& value, const Call& origin, const std::string& wanted) {
  const auto part = [&](int64_t start, int64_t end, std::string_view which) -> TensorName {
    TensorMeta type = meta;
    type.sizes[static_cast<size_t>(range.axis)] = end - start;
    return {emitter.call("aten.slice.Tensor",
                         {{"self", tensor(source)}, {"dim", {range.axis}}, {"start", {start}}, {"end", {end}}}, &type,
                         origin, cat(wanted, "_", which))};
  };
  std::vector<TensorName> parts;
  if (range.start > 0) parts.push_back(part(0, range.start, "before"));
  if (range.start < range.end) parts.push_back({value});
  if (range.end < range.extent) parts.push_back(part(range.end, range.extent, "behind"));
  if (parts.size() == 1) return parts[0].name;
  return emitter.call("aten.cat.default", {{"tensors", {parts}}, {"dim", {range.axis}}}, &meta, origin, wanted);
}

}  // namespace graftwork::core::captured
