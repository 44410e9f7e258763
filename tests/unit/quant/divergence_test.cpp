// Where two ways to compute a network part: the first value that rounding does not explain, and none where it does.
#include "graftwork/quant/loss/divergence.h"

#include <gtest/gtest.h>

#include <limits>

#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

Network chain() {
  return network_of(
      "graph(%x: f32[s0, 3, 6, 6]) {\n  %c = nn.Conv2d @one(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3]}\n"
      "  %r = nn.ReLU @act(%c)\n  %d = nn.Conv2d @two(%r) {in_channels=4, out_channels=2, kernel_size=[3, 3]}\n"
      "  %e = aten.mul.Tensor(%d, %d)\n  return %e\n}\n");
}

at::Tensor images(int64_t count) { return random_tensor({DType::kF32, {Dim(count), Dim(3), Dim(6), Dim(6)}}, 7); }

TEST(Difference, IsLargestWhereItIsFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Difference difference;
  difference.add(at::tensor({1.0F, -kInfinity, 3.0F}), at::tensor({1.5F, -kInfinity, 2.75F}));
  EXPECT_EQ(difference.largest, 0.5);
  Difference other;
  other.add(at::tensor({1.0F}), at::tensor({std::nanf("")}));
  difference.merge(other);
  EXPECT_EQ(difference.largest, kInfinity);
}

TEST(FirstDivergence, IsTheFirstValueThatChanged) {
  const Network network = chain();
  const std::vector<at::Tensor> inputs{images(2)};
  Network same = chain();
  EXPECT_FALSE(first_divergence(network, same, {}, inputs));
  same.tensors.set("two.bias", same.tensors.at("two.bias") + 1e-6);
  EXPECT_FALSE(first_divergence(network, same, {}, inputs)) << "rounding";
  same.tensors.set("two.bias", same.tensors.at("two.bias") + 0.1);
  const std::optional<Divergence> found = first_divergence(network, same, {}, inputs);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->value, Symbol("d"));
  EXPECT_EQ(found->module, Symbol("two"));
  EXPECT_NEAR(found->difference.largest, 0.1, 1e-4);
}

TEST(FirstDivergence, GoesByTheNamesOfTwins) {
  const Network network = chain();
  Network fused = chain();
  fused.module = transform(fused.module).model;
  fused.tensors.set("one.weight", fused.tensors.at("one.weight") * 1.5);
  Symbol first;
  for (const Node& node : fused.module.graph().nodes()) {
    if (node.kind() != NodeKind::kCallModule) continue;
    first = node.name();
    break;
  }
  const std::vector<at::Tensor> inputs{images(2)};
  EXPECT_EQ(first_divergence(network, fused, {{first, "r"}}, inputs)->value, first);
  EXPECT_NE(first_divergence(network, fused, {}, inputs)->value, first) << "it has no twin";
}

/// A quantized network, and a file of it: the values that the network gives.
struct WithFile {
  WithFile() {
    Network network = chain();
    network.module = transform(network.module).model;
    QuantizeOptions options;
    options.float_type = DType::kF32;
    quantized = quantize(network, MemorySamples(images(8)), {}, options).network;
    std::vector<ValueRef> all;
    for (const Node& node : quantized.module.graph().nodes()) {
      if (node.kind() != NodeKind::kInput && node.kind() != NodeKind::kOutput) all.push_back({&node, {}});
    }
    RunOptions how;
    how.any_batch = true;
    how.watcher = [&](const ValueRef& seen, at::Tensor& value) { file[seen.node->name().str()] = value.clone(); };
    Executor(quantized.module, all).run(quantized.tensors, inputs, how);
  }

  std::optional<Divergence> first(bool in_half = false) const {
    return first_divergence_of_file(quantized, in_half, file, inputs);
  }
  at::Tensor& last() { return file.at("e"); }

  std::vector<at::Tensor> inputs{images(1)};
  Network quantized;
  NamedTensors file;
};

TEST(FirstDivergenceOfFile, IsNoneForTheSameValues) {
  EXPECT_FALSE(WithFile().first());
  WithFile without_names;
  without_names.file.clear();
  EXPECT_FALSE(without_names.first());
}

TEST(FirstDivergenceOfFile, IsExplainedByRounding) {
  WithFile half;
  for (auto& [name, value] : half.file) value = value.to(at::kHalf);
  EXPECT_FALSE(half.first(true));
  half.last() = half.last() * 1.05;
  ASSERT_TRUE(half.first(true));
  EXPECT_EQ(half.first(true)->value, Symbol("e"));
  EXPECT_GT(half.first(true)->difference.largest, half.first(true)->allowed);
}

TEST(FirstDivergenceOfFile, LooksAtEachValueByItself) {
  WithFile spoiled;
  at::Tensor& stub = spoiled.file.at("quant_stub_1");
  const at::Tensor step = scale_of(
      spoiled.quantized.module.record(node_named(spoiled.quantized.module, "quant_stub_1")), spoiled.quantized.tensors);
  stub.flatten()[5] += step;  // one code turned over, and what lies behind it goes on from there
  const std::optional<Divergence> behind = spoiled.first();
  ASSERT_TRUE(behind);
  EXPECT_NE(behind->value, Symbol("quant_stub_1"));
  stub.mul_(1.01);  // another scale
  EXPECT_EQ(spoiled.first()->value, Symbol("quant_stub_1"));
}

TEST(FirstDivergenceOfFile, IsAnotherNumberOfElements) {
  WithFile other;
  other.last() = other.last().slice(1, 0, 1);
  ASSERT_TRUE(other.first());
  EXPECT_EQ(other.first()->value, Symbol("e"));
  EXPECT_TRUE(other.first()->difference.error.empty());
}

}  // namespace
}  // namespace graftwork::core::testing
