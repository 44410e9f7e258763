// A small well-formed model for the tests of this room, tensors of given numbers, and protobuf's reading of bytes.
#pragma once

#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <memory>
#include <string>
#include <vector>

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx::testing {

template <class T>
Bytes keep_bytes(std::vector<T> values) {
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  const std::span<const std::byte> view = std::as_bytes(std::span(*owner));
  return {std::move(owner), view};
}

inline Tensor float_tensor(std::string name, std::vector<float> values) {
  const auto size = static_cast<int64_t>(values.size());
  return raw_tensor(std::move(name), DType::kF32, {size}, keep_bytes(std::move(values)));
}

inline Tensor int8_tensor(std::string name, std::vector<int8_t> values) {
  const auto size = static_cast<int64_t>(values.size());
  return raw_tensor(std::move(name), DType::kI8, {size}, keep_bytes(std::move(values)));
}

/// y = max(x @ w + b, 0) for a [batch, 2] x and a [2, 3] w.
inline Model sample_model() {
  Model model;
  model.opset = 21;
  model.producer_name = "graftwork";
  model.producer_version = "0.1.0";
  model.metadata = {{"recipe", "minmax"}, {"accuracy", "unknown"}};
  Graph& graph = model.graph;
  graph.name = "sample";
  graph.inputs = {{"x", DType::kF32, {"batch", int64_t{2}}}};
  graph.outputs = {{"y", DType::kF32, {"batch", int64_t{3}}}};
  graph.initializers = {raw_tensor("w", DType::kF32, {2, 3}, keep_bytes(std::vector<float>{1, 2, 3, 4, 5, 6})),
                        float_tensor("b", {0.5F, -0.5F, 0})};
  graph.nodes = {{"Gemm", "linear", {"x", "w", "b"}, {"h"}, {{"transB", int64_t{0}}, {"alpha", 1.0}}, ""},
                 {"Relu", "act", {"h"}, {"y"}, {}, ""}};
  graph.value_infos = {{"h", DType::kF32, {"batch", int64_t{3}}}};
  return model;
}

inline ::onnx::ModelProto parsed(const std::string& bytes) {
  ::onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromString(bytes));
  return proto;
}

}  // namespace graftwork::core::onnx::testing
