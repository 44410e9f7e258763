#include "graftwork/onnx/model.h"

#include <array>
#include <limits>

#include "graftwork/base/error.h"

namespace graftwork::core::onnx {

int32_t data_type(DType type) {
  switch (type) {
    case DType::kF32:
      return 1;
    case DType::kU8:
      return 2;
    case DType::kI8:
      return 3;
    case DType::kI16:
      return 5;
    case DType::kI32:
      return 6;
    case DType::kI64:
      return 7;
    case DType::kBool:
      return 9;
    case DType::kF16:
      return 10;
    case DType::kF64:
      return 11;
    case DType::kBF16:
      return 16;
    case DType::kF8E4M3:
      return 17;  // FLOAT8E4M3FN
  }
  throw InternalError("internal error: " + std::to_string(static_cast<int>(type)) + " is no element type");
}

std::optional<DType> dtype_of(int64_t number) {
  for (const DType type : {DType::kBool, DType::kU8, DType::kI8, DType::kI16, DType::kI32, DType::kI64, DType::kF8E4M3,
                           DType::kF16, DType::kBF16, DType::kF32, DType::kF64}) {
    if (data_type(type) == number) return type;
  }
  return std::nullopt;
}

std::optional<uint64_t> byte_count(DType type, std::span<const int64_t> dims) {
  const uint64_t limit = std::numeric_limits<uint64_t>::max() / dtype_bytes(type);
  uint64_t elements = 1;
  bool empty = false;
  for (const int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) empty = true;
  }
  if (empty) return 0;
  for (const int64_t dim : dims) {
    if (static_cast<uint64_t>(dim) > limit / elements) return std::nullopt;
    elements *= static_cast<uint64_t>(dim);
  }
  return elements * dtype_bytes(type);
}

std::optional<uint64_t> byte_count(const Tensor& tensor) {
  const std::optional<uint64_t> count = byte_count(tensor.type, tensor.dims);
  return count && tensor.is_int4 ? (*count + 1) / 2 : count;
}

Tensor raw_tensor(std::string name, DType type, std::vector<int64_t> dims, Bytes bytes) {
  return {std::move(name), type, std::move(dims), std::move(bytes)};
}

int64_t ir_version_for_opset(int64_t opset) {
  GRAFTWORK_ASSERT(opset >= 1 && opset <= kNewestOpset);
  struct Step {
    int64_t opset;
    int64_t ir_version;
  };
  // The first opset of each IR version, newest first (ONNX, "Versioning").
  static constexpr std::array<Step, 12> kSteps{
      {{28, 14}, {25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}, {15, 8}, {12, 7}, {11, 6}, {10, 5}, {9, 4}, {1, 3}}};
  size_t i = 0;
  while (kSteps[i].opset > opset) ++i;
  return kSteps[i].ir_version;
}

}  // namespace graftwork::core::onnx
