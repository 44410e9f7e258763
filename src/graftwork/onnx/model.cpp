#include "graftwork/onnx/model.h"

#include <array>
#include <limits>

#include "graftwork/base/error.h"

namespace graftwork::onnx {
namespace {

template <class T>
Tensor vector_tensor(std::string name, DataType type, std::vector<T> values) {
  const auto size = static_cast<int64_t>(values.size());
  return {std::move(name), type, {size}, keep_bytes(std::move(values))};
}

template <class T>
Tensor scalar_tensor(std::string name, DataType type, T value) {
  return {std::move(name), type, {}, keep_bytes(std::vector<T>{value})};
}

}  // namespace

size_t bits_per_element(DataType type) {
  switch (type) {
    case DataType::kUint4:
    case DataType::kInt4:
    case DataType::kFloat4e2m1:
      return 4;
    case DataType::kUint8:
    case DataType::kInt8:
    case DataType::kBool:
    case DataType::kFloat8e4m3fn:
    case DataType::kFloat8e5m2:
      return 8;
    case DataType::kUint16:
    case DataType::kInt16:
    case DataType::kFloat16:
    case DataType::kBfloat16:
      return 16;
    case DataType::kFloat:
    case DataType::kInt32:
    case DataType::kUint32:
      return 32;
    case DataType::kInt64:
    case DataType::kDouble:
    case DataType::kUint64:
      return 64;
  }
  throw InternalError("internal error: " + std::to_string(static_cast<int32_t>(type)) + " is no ONNX element type");
}

size_t bytes_per_element(DataType type) {
  const size_t bits = bits_per_element(type);
  GRAFTWORK_ASSERT(bits % 8 == 0);
  return bits / 8;
}

std::optional<uint64_t> byte_count(DataType type, std::span<const int64_t> dims) {
  // The limit is on the number of bits, so that neither the product nor the rounding can overflow.
  const uint64_t limit = (std::numeric_limits<uint64_t>::max() - 7) / bits_per_element(type);
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
  return (elements * bits_per_element(type) + 7) / 8;
}

Tensor float_scalar(std::string name, float value) { return scalar_tensor(std::move(name), DataType::kFloat, value); }

Tensor int64_scalar(std::string name, int64_t value) { return scalar_tensor(std::move(name), DataType::kInt64, value); }

Tensor int8_scalar(std::string name, int8_t value) { return scalar_tensor(std::move(name), DataType::kInt8, value); }

Tensor float_tensor(std::string name, std::vector<float> values) {
  return vector_tensor(std::move(name), DataType::kFloat, std::move(values));
}

Tensor int64_tensor(std::string name, std::vector<int64_t> values) {
  return vector_tensor(std::move(name), DataType::kInt64, std::move(values));
}

Tensor int8_tensor(std::string name, std::vector<int8_t> values) {
  return vector_tensor(std::move(name), DataType::kInt8, std::move(values));
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
