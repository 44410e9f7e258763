#include "graftwork/import/pickle/globals.h"

#include <algorithm>
#include <array>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::pickle {
namespace {

struct Name {
  std::string_view module;
  std::string_view name;
  Callable callable;
};

constexpr std::array kCallables{
    Name{"collections", "OrderedDict", Callable::kOrderedDict},
    Name{"torch", "Size", Callable::kSize},
    Name{"torch._utils", "_rebuild_tensor_v2", Callable::kTensor},
    Name{"torch._utils", "_rebuild_tensor_v3", Callable::kTypedTensor},
    Name{"torch._utils", "_rebuild_parameter", Callable::kParameter},
    Name{"torch._utils", "_rebuild_parameter_with_state", Callable::kParameterWith},
};

constexpr std::array<std::string_view, 11> kStorages{
    "BoolStorage", "ByteStorage",  "CharStorage",   "ShortStorage",    "IntStorage",    "LongStorage",
    "HalfStorage", "FloatStorage", "DoubleStorage", "BFloat16Storage", "UntypedStorage"};

constexpr std::array<std::string_view, 8> kElementTypes{"float8_e4m3fn",   "float8_e5m2",    "float8_e4m3fnuz",
                                                        "float8_e5m2fnuz", "float8_e8m0fnu", "uint16",
                                                        "uint32",          "uint64"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Value find_global(std::string_view module, std::string_view name) {
  for (const Name& known : kCallables) {
    if (known.module == module && known.name == name) return known.callable;
  }
  if ((module == "torch" || module == "torch.storage") && contains(kStorages, name)) {
    return StorageType{std::string(name)};
  }
  if (module == "torch" && contains(kElementTypes, name)) return ElementType{std::string(name)};
  const std::string full = quoted(cat(module, ".", name));
  throw Error("pickle.global", cat("the weights name ", full.substr(1, full.size() - 2), ", which is not allowed"),
              "exporting a model whose weights are plain tensors; a file from elsewhere may mean harm");
}

}  // namespace graftwork::core::pickle
