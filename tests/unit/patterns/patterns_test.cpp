// What a golden cannot say about the patterns: origins, size, sharing between threads, and that each has a golden.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "support/golden_file.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

TensorType f32(std::vector<Dim> dims) { return {DType::kF32, std::move(dims)}; }

/// A network of operators whose origins are module paths, as an importer makes it.
class Builder {
 public:
  Node& input(Symbol name, std::vector<Dim> dims) { return module.add_input(name, f32(std::move(dims))); }
  Node& constant(Symbol name, std::vector<Dim> dims) {
    return module.add_constant(name, ParamExpr::leaf(name, f32(std::move(dims))));
  }
  Node& call(Symbol op, Symbol name, Symbol path, std::vector<Node*> inputs, AttrMap attrs, std::vector<Dim> dims) {
    return module.add_call_function(op, name, inputs, std::move(attrs), f32(std::move(dims)), Origin{path, {}});
  }
  GraphModule finish(Node& result) {
    Node* const results = &result;
    module.add_output(std::span(&results, 1), {"y"});
    return std::move(module);
  }

  GraphModule module;
};

TEST(Recompositions, AModuleCalledTwiceIsOneModule) {
  Builder build;
  Node& x = build.input("x", {1, 4, 8, 8});
  Node& w = build.constant("conv.weight", {4, 4, 1, 1});
  Node& a = build.call("aten.conv2d.default", "conv2d", "conv", {&x, &w}, {}, {1, 4, 8, 8});
  Node& r = build.call("aten.relu.default", "relu", "act", {&a}, {}, {1, 4, 8, 8});
  Node& b = build.call("aten.conv2d.default", "conv2d_1", "conv", {&r, &w}, {}, {1, 4, 8, 8});
  GraphModule module = build.finish(build.call("aten.relu.default", "relu_1", "act", {&b}, {}, {1, 4, 8, 8}));
  prepare_graph(module);
  EXPECT_EQ(print(module),
            "graph(%x: f32[1, 4, 8, 8]) {\n"
            "  %conv2d = nn.Conv2d @conv(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1], bias=none}\n"
            "  %relu = nn.ReLU @act(%conv2d)\n"
            "  %conv2d_1 = nn.Conv2d @conv(%relu)\n"
            "  %relu_1 = nn.ReLU @act(%conv2d_1)\n"
            "  return y=%relu_1\n"
            "}\n");
}

TEST(Recompositions, OperatorsOfOneModuleThatDifferAreModulesOfTheirOwn) {
  Builder build;
  Node& x = build.input("x", {1, 4, 8, 8});
  Node& w = build.constant("block.weight", {4, 4, 1, 1});
  Node& a = build.call("aten.conv2d.default", "conv2d", "block", {&x, &w}, {}, {1, 4, 8, 8});
  Node& r = build.call("aten.relu.default", "relu", "block", {&a}, {}, {1, 4, 8, 8});
  GraphModule module = build.finish(build.call("aten.conv2d.default", "conv2d_1", "block", {&r, &w},
                                               {{"stride", std::vector<int64_t>{2, 2}}}, {1, 4, 4, 4}));
  prepare_graph(module);
  std::set<std::string> paths;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallModule) paths.insert(module.record(node).path.str());
  }
  EXPECT_EQ(paths, (std::set<std::string>{"block", "block_1", "block_2"}));
}

TEST(Transform, DoesNotChangeItsInput) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[1, 4, 8, 8]) {\n"
      "  %w = constant @c.weight: f32[4, 4, 1, 1]\n"
      "  %c: f32[1, 4, 8, 8] = aten.conv2d.default(%x, %w)\n"
      "  %r = aten.relu.default(%c)\n"
      "  return %r\n"
      "}\n");
  const std::string before = print(module);
  const TransformationResult result = transform(module);
  EXPECT_EQ(print(module), before);
  EXPECT_EQ(module.modules().size(), 0u);
  EXPECT_EQ(
      result.report.counts(),
      (std::map<std::string, size_t>{{"ConvBNActPattern", 1}, {"RaiseActivationPattern", 1}, {"RaiseConvPattern", 1}}));
}

TEST(Transform, TakesASubsetOfThePatterns) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[1, 4, 8, 8]) {\n"
      "  %c = nn.Conv2d @c(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
      "  %d = nn.Dropout @d(%c)\n"
      "  return %d\n"
      "}\n");
  EXPECT_EQ(print(transform(module, {}, {}).model), print(module));
}

TEST(Transform, OneListServesManyThreads) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[1, 4, 8, 8]) {\n"
      "  %c = nn.Conv2d @c(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
      "  %d = nn.Dropout @d(%c)\n"
      "  %s = aten.add.Tensor(%d, %x)\n"
      "  %r = nn.ReLU @r(%s)\n"
      "  return %r\n"
      "}\n");
  const PatternList conversions = tensorrt_conversions(), fusions = tensorrt_fusions();
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::string& result : results) {
    threads.emplace_back([&] { result = print(transform(module, conversions, fusions).model); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_NE(results[0].find("FusedConvBNAddAct_0"), std::string::npos);
  for (const std::string& result : results) EXPECT_EQ(result, results[0]);
}

TEST(Fusions, AChainOf1000NodesIsFusedInOrder) {
  std::string text = "graph(%x: f32[1, 4, 8, 8]) {\n  %a0 = nn.ReLU @r0(%x)\n";
  for (int i = 1; i <= 333; ++i) {
    text +=
        cat("  %c", i, " = nn.Conv2d @c", i, "(%a", i - 1, ") {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n");
    text += cat("  %b", i, " = nn.BatchNorm2d @b", i, "(%c", i, ") {num_features=4}\n");
    text += cat("  %a", i, " = nn.ReLU @r", i, "(%b", i, ")\n");
  }
  const TransformationResult result = transform(testing::parse_network(text + "  return %a333\n}\n"));
  verify(result.model);
  EXPECT_EQ(result.report.counts(), (std::map<std::string, size_t>{{"ConvBNActPattern", 333}}));
  int expected = -1;
  for (const Node& node : result.model.graph().nodes()) {
    if (node.op() != Symbol("FusedConvBNAct")) continue;
    EXPECT_EQ(node.name().str(), cat("fused_conv_bn_act_", ++expected));
  }
  EXPECT_EQ(expected, 332);
}

TEST(Lists, NameEachPatternOnce) {
  std::set<std::string> names;
  for (const PatternList& list : {recompositions(), tensorrt_conversions(), tensorrt_fusions()}) {
    for (const auto& pattern : list) EXPECT_TRUE(names.insert(std::string(pattern->name())).second) << pattern->name();
  }
}

TEST(Lists, EachPatternHasAGoldenOfItsOwn) {
  std::set<std::string> passes;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(GRAFTWORK_TEST_DIR "/golden")) {
    if (entry.path().extension() == ".gir") passes.insert(testing::read_golden(entry.path()).pass);
  }
  for (const PatternList& list : {recompositions(), tensorrt_conversions(), tensorrt_fusions()}) {
    for (const auto& pattern : list) EXPECT_TRUE(passes.contains(std::string(pattern->name()))) << pattern->name();
  }
}

}  // namespace
}  // namespace graftwork::core
