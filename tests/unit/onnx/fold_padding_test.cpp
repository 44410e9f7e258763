#include "graftwork/onnx/fold_padding.h"

#include <gtest/gtest.h>

#include <limits>

#include "graftwork/onnx/attributes.h"
#include "unit/onnx/sample.h"

namespace graftwork::core::onnx {
namespace {

using testing::float_tensor;
using testing::keep_bytes;
using Pads = std::vector<int64_t>;

Tensor lowest() {
  Tensor value = float_tensor("lowest", {-std::numeric_limits<float>::infinity()});
  value.dims.clear();
  return value;
}

/// A pool of 3 behind a Pad of [batch, channels, width].
Graph padded_pool(const Pads& outside, const Pads& inside, int64_t ceil_mode = 0) {
  Graph graph;
  graph.inputs = {{"x", DType::kF32, {int64_t{1}, int64_t{2}, int64_t{8}}}};
  graph.initializers = {raw_tensor("widths", DType::kI64, {6}, keep_bytes(outside)), lowest()};
  graph.nodes = {{"Pad", "pad", {"x", "widths", "lowest"}, {"p"}, {{"mode", "constant"}}, ""},
                 {"MaxPool",
                  "pool",
                  {"p"},
                  {"y"},
                  {{"ceil_mode", ceil_mode}, {"kernel_shape", Pads{3}}, {"pads", inside}, {"strides", Pads{2}}},
                  ""}};
  graph.outputs = {{"y", DType::kF32, {}}};
  return graph;
}

TEST(OnnxFoldPadding, GivesThePoolThePaddingInFrontOfIt) {
  Graph graph = padded_pool({0, 0, 0, 0, 0, 1}, {1, 1});
  fold_padding(graph);
  EXPECT_EQ(graph.nodes[1].inputs[0], "x");
  EXPECT_EQ(integers_attribute(graph.nodes[1], "pads"), (Pads{1, 2}));
}

TEST(OnnxFoldPadding, LeavesOtherNumbersAxesAndWindowsAlone) {
  const auto stays = [](Graph graph) {
    fold_padding(graph);
    return graph.nodes[1].inputs[0] == "p" && integers_attribute(graph.nodes[1], "pads").size() == 2;
  };
  EXPECT_TRUE(stays(padded_pool({0, 1, 0, 0, 0, 1}, {0, 0}))) << "it pads channels";
  EXPECT_TRUE(stays(padded_pool({0, 0, 0, 0, 0, 3}, {0, 0}))) << "a window would lie in the padding";
  EXPECT_TRUE(stays(padded_pool({0, 0, -1, 0, 0, 1}, {0, 0}))) << "it cuts";
  EXPECT_TRUE(stays(padded_pool({0, 0, 0, 0, 0, 1}, {0, 0}, 1))) << "it rounds up";
  Graph zeros = padded_pool({0, 0, 0, 0, 0, 1}, {0, 0});
  zeros.initializers[1].bytes = keep_bytes(std::vector<float>{0});
  EXPECT_TRUE(stays(zeros)) << "it pads with 0";
}

}  // namespace
}  // namespace graftwork::core::onnx
