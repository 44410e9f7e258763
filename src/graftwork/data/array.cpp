#include "graftwork/data/array.h"

#include "graftwork/base/error.h"

namespace graftwork::core {
std::string shape_text(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

std::optional<int64_t> element_count(std::span<const int64_t> shape, DType type) {
  bool empty = false;
  auto bytes = static_cast<int64_t>(dtype_bytes(type));
  for (const int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, size, &bytes)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : bytes / static_cast<int64_t>(dtype_bytes(type));
}

Array make_array(DType type, std::vector<int64_t> shape, std::vector<std::byte> bytes) {
  const std::optional<int64_t> count = element_count(shape, type);
  GRAFTWORK_ASSERT(count && static_cast<uint64_t>(*count) * dtype_bytes(type) == bytes.size());
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return {.type = type, .shape = std::move(shape), .bytes = *owner, .owner = owner};
}

}  // namespace graftwork::core
