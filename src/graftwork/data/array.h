// A plain array of numbers as files hold them: type, shape and bytes. No arithmetic: whoever computes turns
// it into a tensor, which can share the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graftwork/base/dtype.h"

namespace graftwork::core {

/// "[2, 3]".
std::string shape_text(std::span<const int64_t> shape);

/// Elements of `shape`; nothing when a dimension is negative or the bytes would not fit in 63 bits.
std::optional<int64_t> element_count(std::span<const int64_t> shape, DType type);

/// Row-major, aligned to the element size. Copies share the bytes, which live as long as one `owner` does
/// (a mapped file or memory).
struct Array {
  DType type = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// An array that owns `bytes`, whose number must fit type and shape.
Array make_array(DType type, std::vector<int64_t> shape, std::vector<std::byte> bytes);

struct NamedArray {
  std::string name;
  Array array;
};

}  // namespace graftwork::core
