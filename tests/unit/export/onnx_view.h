// An ONNX model to look at: nodes and stored tensors by name.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/lower.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/onnx/check.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {

class OnnxView {
 public:
  explicit OnnxView(onnx::Model model) : model_(std::move(model)) {
    onnx::check_model(model_);
    for (const onnx::Tensor& tensor : model_.graph.initializers) tensors_.emplace(tensor.name, &tensor);
    for (const onnx::Node& node : model_.graph.nodes) {
      for (const std::string& output : node.outputs) producers_.emplace(output, &node);
    }
  }

  const onnx::Model& model() const { return model_; }
  bool is_stored(const std::string& name) const { return tensors_.contains(name); }
  const onnx::Tensor& stored(const std::string& name) const { return *tensors_.at(name); }
  const onnx::Node& producer(const std::string& value) const { return *producers_.at(value); }

  /// The only node of this type.
  const onnx::Node& only(const std::string& op_type) const {
    const std::vector<const onnx::Node*> found = all(op_type);
    EXPECT_EQ(found.size(), 1U) << op_type << "\n" << text();
    return *found.at(0);
  }

  std::vector<const onnx::Node*> all(const std::string& op_type) const {
    std::vector<const onnx::Node*> found;
    for (const onnx::Node& node : model_.graph.nodes) {
      if (node.op_type == op_type) found.push_back(&node);
    }
    return found;
  }

  at::Tensor tensor(const std::string& name) const {
    const onnx::Tensor& tensor = stored(name);
    void* const data = const_cast<std::byte*>(tensor.bytes.view.data());
    return at::from_blob(data, tensor.dims, at::TensorOptions(to_torch(tensor.type))).clone();
  }

  std::vector<int64_t> integers(const onnx::Node& node, const std::string& name) const {
    for (const auto& [key, value] : node.attributes) {
      if (key != name) continue;
      if (const int64_t* one = std::get_if<int64_t>(&value)) return {*one};
      return std::get<std::vector<int64_t>>(value);
    }
    return {};
  }

  /// "Conv conv(x, conv.weight) -> y", one node a line.
  std::string text() const {
    std::string lines;
    for (const onnx::Node& node : model_.graph.nodes) {
      lines += cat(node.op_type, " ", node.name, "(", join(node.inputs), ") -> ", join(node.outputs), "\n");
    }
    return lines;
  }

  std::string outputs() const {
    std::vector<std::string> names;
    for (const onnx::ValueInfo& output : model_.graph.outputs) names.push_back(output.name);
    return join(names);
  }

 private:
  onnx::Model model_;
  std::map<std::string, const onnx::Tensor*> tensors_;
  std::map<std::string, const onnx::Node*> producers_;
};

inline ExportOptions options_of(DType type, WeightForm weights = WeightForm::kInt8, int64_t opset = 0) {
  ExportOptions options;
  options.float_type = type;
  options.weights = weights;
  options.opset = opset;
  return options;
}

inline Error export_error(const Network& network, const ExportOptions& options) {
  try {
    lower(network, options);
  } catch (const Error& error) {
    return error;
  }
  return {"none", "nothing was thrown"};
}

}  // namespace graftwork::core::testing
