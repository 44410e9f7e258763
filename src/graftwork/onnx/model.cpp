#include "graftwork/onnx/model.h"

#include <array>
#include <limits>

#include "graftwork/base/error.h"

namespace graftwork::onnx {

size_t bytes_per_element(DataType type) {
  switch (type) {
    case DataType::kUint8:
    case DataType::kInt8:
    case DataType::kBool:
    case DataType::kFloat8e4m3fn:
    case DataType::kFloat8e5m2:
      return 1;
    case DataType::kUint16:
    case DataType::kInt16:
    case DataType::kFloat16:
    case DataType::kBfloat16:
      return 2;
    case DataType::kFloat:
    case DataType::kInt32:
    case DataType::kUint32:
      return 4;
    case DataType::kInt64:
    case DataType::kDouble:
    case DataType::kUint64:
      return 8;
  }
  throw InternalError("internal error: " + std::to_string(static_cast<int32_t>(type)) + " is no ONNX element type");
}

std::optional<uint64_t> byte_count(DataType type, std::span<const int64_t> dims) {
  const uint64_t limit = std::numeric_limits<uint64_t>::max() / bytes_per_element(type);
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
  return elements * bytes_per_element(type);
}

Tensor raw_tensor(std::string name, DataType type, std::vector<int64_t> dims, Bytes bytes) {
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

}  // namespace graftwork::onnx
