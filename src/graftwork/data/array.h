// A plain array of numbers as files hold them: type, shape and bytes. No arithmetic: whoever computes turns
// it into a tensor, which can share the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace graftwork {

enum class ArrayType : uint8_t { kF16, kF32, kF64, kI8, kI16, kI32, kI64, kU8, kBool };

/// Bytes of one element.
size_t element_size(ArrayType type);
/// "f32", "i64", "bool".
std::string_view array_type_name(ArrayType type);
std::optional<ArrayType> parse_array_type(std::string_view name);

/// "[2, 3]".
std::string shape_text(std::span<const int64_t> shape);

/// Elements of `shape`; nothing when a dimension is negative or the bytes would not fit in 63 bits.
std::optional<int64_t> element_count(std::span<const int64_t> shape, ArrayType type);

/// Row-major, aligned to the element size. Copies share the bytes, which live as long as one `owner` does
/// (a mapped file or memory).
struct Array {
  ArrayType type = ArrayType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// An array that owns `bytes`, whose number must fit type and shape.
Array make_array(ArrayType type, std::vector<int64_t> shape, std::vector<std::byte> bytes);

struct NamedArray {
  std::string name;
  Array array;
};

}  // namespace graftwork
