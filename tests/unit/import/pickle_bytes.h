// Builds pickles opcode by opcode, and files of torch.save, without the code under test.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "unit/archive/zip_bytes.h"

namespace graftwork::core::testing {

inline std::string op(int code) { return std::string(1, static_cast<char>(code)); }
inline std::string proto(int version = 2) { return op(0x80) + op(version); }
inline std::string text(std::string_view value) {
  return "X" + little(static_cast<uint32_t>(value.size())) + std::string(value);
}
inline std::string integer(int32_t value) { return "J" + little(value); }
inline std::string flag(bool value) { return op(value ? 0x88 : 0x89); }
inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
/// A tuple of any length.
inline std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}
inline std::string shape(const std::vector<int32_t>& extents) {
  std::vector<std::string> items;
  for (const int32_t extent : extents) items.push_back(integer(extent));
  return tuple(items);
}
inline std::string ordered_dict() { return global("collections", "OrderedDict") + ")R"; }
inline std::string storage(std::string_view type, std::string_view key, int32_t count) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(count)}) + "Q";
}
inline std::string tensor(const std::string& storage, int32_t offset, const std::vector<int32_t>& sizes,
                          const std::vector<int32_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({storage, integer(offset), shape(sizes), shape(strides), flag(false), ordered_dict()}) + "R";
}
inline std::string parameter(const std::string& tensor) {
  return global("torch._utils", "_rebuild_parameter") + tuple({tensor, flag(true), ordered_dict()}) + "R";
}
/// A whole pickle of a dict.
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = proto() + "}(";
  for (const auto& [name, value] : items) out += text(name) + value;
  return out + "u.";
}

/// What torch.save makes of `pickle` and its storages.
inline std::string saved(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& storages,
                         std::string_view byteorder = "little") {
  std::vector<ZipPart> parts{{.name = "archive/data.pkl", .body = pickle},
                             {.name = "archive/byteorder", .body = std::string(byteorder)},
                             {.name = "archive/version", .body = "3\n"}};
  for (const auto& [key, bytes] : storages) parts.push_back({.name = "archive/data/" + key, .body = bytes});
  return zip_bytes(parts);
}

}  // namespace graftwork::core::testing
