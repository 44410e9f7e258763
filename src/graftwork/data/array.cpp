#include "graftwork/data/array.h"

#include <array>

#include "graftwork/base/error.h"

namespace graftwork {
namespace {

struct TypeFacts {
  std::string_view name;
  size_t size;
};

constexpr std::array<TypeFacts, 9> kTypes{
    {{"f16", 2}, {"f32", 4}, {"f64", 8}, {"i8", 1}, {"i16", 2}, {"i32", 4}, {"i64", 8}, {"u8", 1}, {"bool", 1}}};

const TypeFacts& facts(ArrayType type) { return kTypes[static_cast<size_t>(type)]; }

}  // namespace

size_t element_size(ArrayType type) { return facts(type).size; }

std::string_view array_type_name(ArrayType type) { return facts(type).name; }

std::optional<ArrayType> parse_array_type(std::string_view name) {
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<ArrayType>(i);
  }
  return std::nullopt;
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

std::optional<int64_t> element_count(std::span<const int64_t> shape, ArrayType type) {
  bool empty = false;
  auto bytes = static_cast<int64_t>(element_size(type));
  for (const int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, size, &bytes)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : bytes / static_cast<int64_t>(element_size(type));
}

Array make_array(ArrayType type, std::vector<int64_t> shape, std::vector<std::byte> bytes) {
  const std::optional<int64_t> count = element_count(shape, type);
  GRAFTWORK_ASSERT(count && static_cast<uint64_t>(*count) * element_size(type) == bytes.size());
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return {.type = type, .shape = std::move(shape), .bytes = *owner, .owner = owner};
}

}  // namespace graftwork
