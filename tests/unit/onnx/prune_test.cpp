#include "graftwork/onnx/prune.h"

#include <gtest/gtest.h>

#include "graftwork/onnx/check.h"
#include "unit/onnx/sample.h"

namespace graftwork::core::onnx {
namespace {

using testing::float_tensor;
using testing::sample_model;

TEST(OnnxPrune, LeavesAModelWithoutDeadPartsAlone) {
  Model model = sample_model();
  prune(model.graph);
  EXPECT_EQ(model.graph.nodes.size(), sample_model().graph.nodes.size());
  EXPECT_EQ(model.graph.initializers.size(), sample_model().graph.initializers.size());
  check_model(model);
}

TEST(OnnxPrune, TakesOutChainsThatEndNowhereWithWhatOnlyTheyRead) {
  Model model = sample_model();
  const size_t nodes = model.graph.nodes.size();
  const size_t initializers = model.graph.initializers.size();
  model.graph.initializers.push_back(float_tensor("unread", {2}));
  model.graph.initializers.push_back(float_tensor("read_by_the_dead", {2}));
  model.graph.nodes.insert(model.graph.nodes.begin() + 1, {"Add", "dead", {"h", "read_by_the_dead"}, {"d"}, {}, ""});
  model.graph.nodes.push_back({"Relu", "dead_end", {"d"}, {"e"}, {}, ""});
  model.graph.value_infos.push_back({"e", DType::kF32, {}});
  prune(model.graph);
  check_model(model);
  EXPECT_EQ(model.graph.nodes.size(), nodes);
  EXPECT_EQ(model.graph.initializers.size(), initializers);
  for (const ValueInfo& value : model.graph.value_infos) EXPECT_NE(value.name, "e");
}

TEST(OnnxPrune, KeepsANodeOfWhichOneOutputIsRead) {
  Model model = sample_model();
  model.graph.nodes.push_back({"Split", "two", {"y"}, {"a", "b"}, {}, ""});
  model.graph.outputs[0].name = "b";
  prune(model.graph);
  EXPECT_EQ(model.graph.nodes.back().name, "two");
}

}  // namespace
}  // namespace graftwork::core::onnx
