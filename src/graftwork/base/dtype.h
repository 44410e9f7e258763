// Element types of tensors, for every room. How a format numbers or spells them is a table at that format's edge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace graftwork::core {

enum class DType : uint8_t { kBool, kU8, kI8, kI16, kI32, kI64, kF8E4M3, kF16, kBF16, kF32, kF64 };

/// "f32", "i64", "bool", ...
std::string_view dtype_name(DType dtype);
std::optional<DType> parse_dtype(std::string_view name);
bool is_floating(DType dtype);
/// Bytes of one element.
size_t dtype_bytes(DType dtype);

}  // namespace graftwork::core
