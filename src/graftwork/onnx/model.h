// An ONNX model in memory, as plain structs without protobuf.
//
// Field for field what ONNX stores, in the order it is written. Tensors share or borrow their bytes,
// so that a model can be assembled and written without copying the weights.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "graftwork/base/dtype.h"

namespace graftwork::core::onnx {

static_assert(std::endian::native == std::endian::little, "ONNX stores tensors in little-endian order");

/// ONNX's number of an element type, as in the attribute `to` of Cast.
int32_t data_type(DType type);

/// The element type of such a number; nullopt for those that are no DType.
std::optional<DType> dtype_of(int64_t data_type);

/// Bytes that a tensor takes; nullopt where a dimension is negative or the count does not fit 64 bits.
std::optional<uint64_t> byte_count(DType type, std::span<const int64_t> dims);

/// A size, or the name of a symbolic one; the empty name is an unknown size.
using Dimension = std::variant<int64_t, std::string>;

/// Name, type and shape of a value.
struct ValueInfo {
  std::string name;
  DType type = DType::kF32;
  std::vector<Dimension> dims;
};

/// A byte range and what keeps it alive; without an owner it is borrowed from the caller.
struct Bytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> view;
};

/// Row-major elements. `name` is empty in an attribute. INT4, which exists in constants alone, is a form of INT8: two
/// elements a byte, the first in its low half.
struct Tensor {
  std::string name;
  DType type = DType::kF32;
  std::vector<int64_t> dims;
  Bytes bytes;
  bool is_int4 = false;  ///< Of type kI8.
};

/// Bytes that it takes; nullopt as byte_count says.
std::optional<uint64_t> byte_count(const Tensor& tensor);

/// A tensor of any type and rank over bytes that the caller made.
Tensor raw_tensor(std::string name, DType type, std::vector<int64_t> dims, Bytes bytes);

/// A real number is a double here and a float in the file, as in ONNX.
using AttributeValue = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<float>,
                                    std::vector<std::string>, Tensor>;

/// One operation. An empty input or output name is an optional one left out.
struct Node {
  std::string op_type;
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::pair<std::string, AttributeValue>> attributes;
  std::string domain;  ///< Empty: ONNX's own operators.
};

/// Nodes stand in topological order. Initializers are not listed among the inputs.
struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
  std::vector<ValueInfo> value_infos;  ///< Of values in between.
};

struct Model {
  int64_t ir_version = 0;                                     ///< 0: the least that `opset` asks for.
  int64_t opset = 21;                                         ///< Of ONNX's own operators.
  std::vector<std::pair<std::string, int64_t>> other_opsets;  ///< Domain and version of further operators.
  std::string producer_name;
  std::string producer_version;
  Graph graph;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// The newest set of operators that `ir_version_for_opset` knows.
inline constexpr int64_t kNewestOpset = 28;

/// The least IR version of a file that uses `opset`, 1 to kNewestOpset, of ONNX's own operators.
int64_t ir_version_for_opset(int64_t opset);

}  // namespace graftwork::core::onnx
