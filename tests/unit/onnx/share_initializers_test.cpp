#include "graftwork/onnx/share_initializers.h"

#include <gtest/gtest.h>

#include "graftwork/onnx/check.h"
#include "unit/onnx/sample.h"

namespace graftwork::core::onnx {
namespace {

using testing::float_tensor;
using testing::keep_bytes;
using testing::parsed;
using testing::sample_model;

std::vector<float> numbers(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 11);
  return values;
}

/// y + a + b + ...: one of each tensor.
Model with(std::vector<Tensor> tensors) {
  Model model = sample_model();
  std::string sum = "y";
  for (Tensor& tensor : tensors) {
    model.graph.nodes.push_back({"Add", "add_" + tensor.name, {sum, tensor.name}, {"sum_" + tensor.name}, {}, ""});
    sum = "sum_" + tensor.name;
    model.graph.initializers.push_back(std::move(tensor));
  }
  model.graph.outputs[0].name = sum;
  check_model(model);
  share_initializers(model.graph);
  check_model(model);
  return model;
}

std::vector<std::string> added(const Model& model) {
  std::vector<std::string> names;
  for (const Node& node : model.graph.nodes) {
    if (node.op_type == "Add") names.push_back(node.inputs[1]);
  }
  return names;
}

TEST(ShareInitializers, LeavesOneOfThoseThatAreAlike) {
  const Model model = with({float_tensor("one", numbers(400)), float_tensor("two", numbers(400)),
                            float_tensor("three", numbers(400)), float_tensor("four", numbers(401))});
  EXPECT_EQ(added(model), (std::vector<std::string>{"one", "one", "one", "four"}));
  EXPECT_EQ(model.graph.initializers.size(), sample_model().graph.initializers.size() + 2);
}

TEST(ShareInitializers, TellsBytesShapesAndTypesApart) {
  std::vector<float> first = numbers(400), last = numbers(400);
  first.front() = 100;
  last.back() = 100;
  const std::vector<Tensor> tensors{float_tensor("one", numbers(400)), float_tensor("first", first),
                                    float_tensor("last", last),
                                    raw_tensor("shape", DType::kF32, {4, 100}, keep_bytes(numbers(400))),
                                    raw_tensor("type", DType::kI32, {400}, keep_bytes(numbers(400)))};
  EXPECT_EQ(with(tensors).graph.initializers.size(), sample_model().graph.initializers.size() + tensors.size());
}

TEST(ShareInitializers, LeavesSmallOnesTheirNames) {
  const size_t count = kLeastSharedBytes / sizeof(float);
  EXPECT_EQ(added(with({float_tensor("one", numbers(count - 1)), float_tensor("two", numbers(count - 1))})),
            (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(added(with({float_tensor("one", numbers(count)), float_tensor("two", numbers(count))})),
            (std::vector<std::string>{"one", "one"}));
}

TEST(ShareInitializers, KeepsAResult) {
  Model model = sample_model();
  model.graph.initializers.push_back(float_tensor("one", numbers(400)));
  model.graph.initializers.push_back(float_tensor("two", numbers(400)));
  model.graph.outputs.push_back({"two", DType::kF32, {int64_t{400}}});
  share_initializers(model.graph);
  EXPECT_EQ(model.graph.initializers.back().name, "two");
}

}  // namespace
}  // namespace graftwork::core::onnx
