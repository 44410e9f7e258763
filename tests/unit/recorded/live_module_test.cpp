// Live modules of torch's C++ front end: what becomes of them, up to the file.
#include <torch/utils.h>

#include "graftwork/export/lower.h"
#include "graftwork/nn/executor.h"
#include "graftwork/onnx/write.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/quantize.h"
#include "unit/quant/memory_samples.h"
#include "unit/recorded/live_modules.h"

namespace graftwork::core::testing {
namespace {

template <class Holder>
Forward forward_of(Holder& module) {
  return [&module](const Tensors& inputs) { return Tensors{module->forward(inputs[0])}; };
}

template <class Holder>
LoadedNetwork recorded_module(Holder& module, const at::Tensor& x) {
  module->eval();
  return recorded(forward_of(module), {x}, parameters_of(*module), buffers_of(*module));
}

class LiveModule : public ::testing::Test {
 protected:
  LiveModule() { torch::manual_seed(0); }
};

TEST_F(LiveModule, ResidualNetworkBecomesTheKernelsThatItIs) {
  ResNet net;
  const LoadedNetwork loaded = recorded_module(net, at::randn({1, 3, 16, 16}));
  EXPECT_EQ(loaded.warnings, std::vector<std::string>());
  const TransformationResult result = transform(loaded.network.module);
  EXPECT_EQ(count(result.model, "FusedConvBNAct"), 3);
  EXPECT_EQ(count(result.model, "FusedConvBNAddAct"), 2);
  const std::string graph = print(result.model);
  for (const char* path : {"@stem ", "@block1.conv1 ", "@block2.bn2 ", "@block2.projection ", "@block1.relu_,"})
    EXPECT_NE(graph.find(path), std::string::npos) << path << " in\n" << graph;
  EXPECT_TRUE(loaded.trainable.at("head.weight"));
  EXPECT_FALSE(loaded.trainable.at("bn.running_mean"));
}

TEST_F(LiveModule, ParametersAreThoseOfTheModule) {
  ResNet net;
  const LoadedNetwork loaded = recorded_module(net, at::randn({1, 3, 16, 16}));
  EXPECT_TRUE(loaded.network.tensors.at("block1.conv1.weight").is_same(net->block1->conv1->weight));
}

TEST_F(LiveModule, AnotherBatchRunsWhereNothingFixesIt) {
  ResNet net;
  const LoadedNetwork loaded = recorded_module(net, at::randn({1, 3, 16, 16}));
  const GraphModule transformed = transform(loaded.network.module).model;
  EXPECT_TRUE(holds_for_any_batch(transformed));
  const at::Tensor x = at::randn({4, 3, 16, 16});
  const at::NoGradGuard no_grad;
  RunOptions any;
  any.any_batch = true;
  const at::Tensor y = Executor(transformed).run(loaded.network.tensors, std::array{x}, any)[0];
  EXPECT_TRUE(at::allclose(y, net->forward(x), 1e-4, 1e-5));
}

TEST_F(LiveModule, ShapesThatAreComputedFromTheBatchDoNotFixIt) {
  const at::Tensor weight = at::randn({4, 48});
  const Forward forward = one_result([&](const Tensors& in) {
    const at::Tensor rows = in[0].view({in[0].size(0), 12, 4}).transpose(1, 2);
    return at::linear(rows.reshape({in[0].size(0), -1}), weight);
  });
  const LoadedNetwork loaded = recorded(forward, {at::randn({1, 3, 4, 4})}, {{"fc.weight", weight}});
  EXPECT_TRUE(holds_for_any_batch(transform(loaded.network.module).model)) << text(loaded);
  const at::Tensor x = at::randn({5, 3, 4, 4});
  RunOptions any;
  any.any_batch = true;
  const at::Tensor y = Executor(loaded.network.module).run(loaded.network.tensors, std::array{x}, any)[0];
  EXPECT_TRUE(at::allclose(y, forward({x})[0], 1e-4, 1e-5));
}

TEST_F(LiveModule, GoesToAFileWithoutAnyOtherOnTheWay) {
  ResNet net;
  const LoadedNetwork loaded = recorded_module(net, at::randn({1, 3, 16, 16}));
  const at::NoGradGuard no_grad;
  const Network network{transform(loaded.network.module).model, loaded.network.tensors};
  const QuantizationResult quantized = quantize(network, MemorySamples(at::randn({8, 3, 16, 16})), {}, {});
  EXPECT_EQ(quantized.plan.quantized_weights(), 7);
  EXPECT_FALSE(onnx::serialize_model(lower(quantized.network, {})).empty());
}

TEST_F(LiveModule, EncoderLayerHasItsAttention) {
  nn::TransformerEncoderLayer net(nn::TransformerEncoderLayerOptions(32, 4).dim_feedforward(64));
  const LoadedNetwork loaded = recorded_module(net, at::randn({7, 2, 32}));
  EXPECT_EQ(loaded.warnings, std::vector<std::string>());  // query and key are compared, and are one tensor
  const GraphModule transformed = transform(loaded.network.module).model;
  EXPECT_EQ(count(transformed, "FusedMHAInProjection"), 1);
  EXPECT_EQ(count(transformed, "FusedScaledDotProductAttention"), 1);
  EXPECT_NE(print(transformed).find("nn.Linear @self_attn.out_proj "), std::string::npos);
}

TEST_F(LiveModule, RecurrentLayersAreOneOperator) {
  nn::GRU net(nn::GRUOptions(8, 16).batch_first(true).bidirectional(true));
  net->eval();
  const Forward forward = [&](const Tensors& x) {
    const auto [sequence, state] = net->forward(x[0]);
    return Tensors{sequence, state};
  };
  const LoadedNetwork loaded = recorded(forward, {at::randn({2, 5, 8})}, parameters_of(*net), {});
  EXPECT_EQ(count(loaded.network.module, "aten.gru.input"), 1);
  EXPECT_EQ(loaded.network.module.signature().outputs, (std::vector<Symbol>{"output_0", "output_1"}));
}

TEST_F(LiveModule, TiedWeightsStayTied) {
  Tied net;
  const LoadedNetwork loaded = recorded_module(net, at::randint(0, 11, {2, 5}, at::kLong));
  EXPECT_EQ(loaded.network.tensors.size(), 1U);
  EXPECT_TRUE(loaded.network.tensors.begin()->second.is_same(net->embedding->weight));
  EXPECT_EQ(count(transform(loaded.network.module).model, "FusedLinear"), 1);
}

TEST_F(LiveModule, InTrainingItIsRecordedAsSuch) {
  nn::Dropout net(0.5);
  net->train();
  const LoadedNetwork loaded = record(forward_of(net), {at::ones({4})}, {}, {});
  EXPECT_EQ(loaded.in_training, std::vector<std::string>{"dropout"});
  ASSERT_EQ(loaded.warnings.size(), 1U);
  EXPECT_NE(loaded.warnings[0].find("draws at random"), std::string::npos);
  net->eval();
  EXPECT_EQ(text(recorded(forward_of(net), {at::ones({4})})), "graph(%x: f32[4]) {\n  return output=%x\n}\n");
}

}  // namespace
}  // namespace graftwork::core::testing
