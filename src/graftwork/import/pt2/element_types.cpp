#include "graftwork/import/pt2/element_types.h"

#include <array>
#include <utility>

#include "graftwork/base/error.h"

namespace graftwork::core::pt2 {
namespace {

constexpr std::array<std::pair<int32_t, DType>, 11> kTypes{{{1, DType::kU8},
                                                            {2, DType::kI8},
                                                            {3, DType::kI16},
                                                            {4, DType::kI32},
                                                            {5, DType::kI64},
                                                            {6, DType::kF16},
                                                            {7, DType::kF32},
                                                            {8, DType::kF64},
                                                            {12, DType::kBool},
                                                            {13, DType::kBF16},
                                                            {29, DType::kF8E4M3}}};

}  // namespace

std::optional<DType> dtype_of(ScalarType type) {
  for (const auto& [number, dtype] : kTypes) {
    if (number == static_cast<int32_t>(type)) return dtype;
  }
  return std::nullopt;
}

std::optional<DType> parts_of(ScalarType type) {
  constexpr std::array kParts{DType::kF16, DType::kF32, DType::kF64};
  const auto number = static_cast<int32_t>(type);
  return 9 <= number && number <= 11 ? std::optional(kParts[static_cast<size_t>(number - 9)]) : std::nullopt;
}

ScalarType scalar_type_of(DType dtype) {
  for (const auto& [number, known] : kTypes) {
    if (known == dtype) return static_cast<ScalarType>(number);
  }
  GRAFTWORK_ASSERT(false);
  return ScalarType::kUnknown;
}

bool is_scalar_type(int64_t number) {
  // 9 to 11 are complex, 28 and 30 to 35 wide unsigned integers and further 8-bit floats.
  return (0 <= number && number <= 13) || (28 <= number && number <= 35);
}

}  // namespace graftwork::core::pt2
