#include "graftwork/base/dtype.h"

#include <array>

namespace graftwork::core {
namespace {

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  size_t bytes;
  bool floating;
};

constexpr std::array kDTypes{
    DTypeInfo{DType::kBool, "bool", 1, false},    DTypeInfo{DType::kU8, "u8", 1, false},
    DTypeInfo{DType::kI8, "i8", 1, false},        DTypeInfo{DType::kI16, "i16", 2, false},
    DTypeInfo{DType::kI32, "i32", 4, false},      DTypeInfo{DType::kI64, "i64", 8, false},
    DTypeInfo{DType::kF8E4M3, "f8e4m3", 1, true}, DTypeInfo{DType::kF16, "f16", 2, true},
    DTypeInfo{DType::kBF16, "bf16", 2, true},     DTypeInfo{DType::kF32, "f32", 4, true},
    DTypeInfo{DType::kF64, "f64", 8, true},
};

const DTypeInfo& info(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }

}  // namespace

std::string_view dtype_name(DType dtype) { return info(dtype).name; }
bool is_floating(DType dtype) { return info(dtype).floating; }
size_t dtype_bytes(DType dtype) { return info(dtype).bytes; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (const DTypeInfo& entry : kDTypes) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace graftwork::core
