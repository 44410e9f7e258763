// The fast path against the reference, fake quantization, and batch norm folding.
#include "graftwork/nn/inference_runner.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/activation.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/prepared_conv.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

/// Runs the network both ways, on each input shape where some are given, one after the other on the same prepared
/// modules.
void expect_fast_equals_reference(const std::string& text, const std::vector<std::vector<int64_t>>& shapes = {},
                                  bool is_prepared = true) {
  SCOPED_TRACE(text);
  const at::NoGradGuard no_grad;
  const Network network = network_of(text);
  const Preparer prepare = prepared_convolutions(network.tensors);
  EXPECT_EQ(prepare(network.module, node_named(network.module, "y")).module != nullptr, is_prepared);
  const InferenceRunner fast(network);
  const Executor reference(network.module);
  std::vector<std::vector<at::Tensor>> runs;
  if (shapes.empty()) runs.push_back(random_inputs(network.module));
  for (const std::vector<int64_t>& shape : shapes) runs.push_back({at::randn(shape)});
  for (const std::vector<at::Tensor>& inputs : runs) {
    const std::vector<at::Tensor> before{inputs[0].clone(), inputs.back().clone()};
    EXPECT_LE(relative_difference(fast.run(inputs)[0], reference.run(network.tensors, inputs)[0]), 1e-5)
        << inputs[0].sizes();
    EXPECT_TRUE(at::equal(before[0], inputs[0]) && at::equal(before[1], inputs.back())) << "an input was written to";
  }
}

constexpr const char* kConv = "conv=nn.Conv2d @c {in_channels=8, out_channels=8, kernel_size=[3, 3], padding=[1, 1]}";
constexpr const char* kBn = "bn=nn.BatchNorm2d @b {num_features=8}";

std::string one_input(const std::string& kind, const std::string& parts, const char* input = "f32[2, 8, 9, 7]") {
  return cat("graph(%x: ", input, ") {\n  %y = ", kind, " @m(%x) [", parts, "]\n  return %y\n}\n");
}

TEST(InferenceRunner, EqualTheReferenceWithEveryActivation) {
  for (const Symbol act : fusible_activations()) {
    std::vector<std::string> forms{""};
    if (act == Symbol("nn.GELU")) forms.emplace_back(" {approximate=\"tanh\"}");
    if (act == Symbol("nn.LeakyReLU")) forms = {" {negative_slope=0.3}", " {negative_slope=2}"};
    if (act == Symbol("nn.PReLU")) forms.emplace_back(" {num_parameters=8}");
    for (const std::string& form : forms) {
      const std::string part = cat("act=", act.str(), " @a", form);
      expect_fast_equals_reference(one_input("FusedConvBNAct", join({kConv, kBn, part})));
      expect_fast_equals_reference(
          one_input("FusedConvBNActMaxPool",
                    join({kConv, part, "pool=nn.MaxPool2d @p {kernel_size=[3, 3], stride=[2, 2], ceil_mode=true}"})));
      expect_fast_equals_reference(
          cat("graph(%x: f32[2, 8, 9, 7], %z: f32[2, 8, 9, 7]) {\n  %y = FusedConvBNAddAct @m(%x, %z) [",
              join({kConv, kBn, part}), "]\n  return %y\n}\n"));
    }
  }
}

TEST(InferenceRunner, EqualTheReferenceForEveryConvolution) {
  const std::vector<std::string> attributes{"out_channels=5, kernel_size=[1, 1]",
                                            "out_channels=16, kernel_size=[3, 2], stride=[2, 3], padding=[2, 0]",
                                            "out_channels=8, kernel_size=[3, 3], dilation=[2, 3], padding=[1, 3]",
                                            "out_channels=16, kernel_size=[3, 3], groups=8",
                                            "out_channels=4, kernel_size=[2, 3], groups=2",
                                            "out_channels=3, kernel_size=[9, 7]"};
  for (const std::string& attribute : attributes) {
    for (const char* bias : {"", ", bias=none"}) {
      const std::string conv = cat("conv=nn.Conv2d @c {in_channels=8, ", attribute, bias, "}");
      const std::string channels = attribute.substr(13, attribute.find(',') - 13);
      expect_fast_equals_reference(one_input("FusedConvBN", conv, "f32[s0, 8, s1, s2]"),
                                   {{2, 8, 9, 7}, {1, 8, 9, 7}, {2, 8, 12, 15}});
      for (const char* affine : {"", ", weight=none", ", bias=none", ", weight=none, bias=none"}) {
        const std::string bn = cat("bn=nn.BatchNorm2d @b {eps=0.01, num_features=", channels, affine, "}");
        expect_fast_equals_reference(one_input("FusedConvBN", join({conv, bn})));
      }
    }
  }
}

TEST(InferenceRunner, TakeAnEpsilonThatIsWrittenAsAWholeNumber) {
  expect_fast_equals_reference(one_input("FusedConvBN", join({kConv, "bn=nn.BatchNorm2d @b {num_features=8, eps=1}"})));
}

TEST(InferenceRunner, LeaveAResidualThatBroadcastsToTheReference) {
  expect_fast_equals_reference(cat("graph(%x: f32[2, 8, 9, 7]) {\n  %y = FusedConvBNAddAct @m(%x, %x) [", kConv,
                                   ", act=nn.ReLU @a]\n  return %y\n}\n"));
  expect_fast_equals_reference(
      cat("graph(%x: f32[2, 8, 9, 7], %z: f32[8, 1, 1]) {\n  %y = FusedConvBNAddAct @m(%x, %z) [", kConv,
          ", act=nn.ReLU @a]\n  return %y\n}\n"),
      {}, false);
}

TEST(InferenceRunner, LeaveOtherKindsAndTypesToTheReference) {
  const auto prepares = [](const std::string& text, at::ScalarType type) {
    Network network = network_of(text);
    TensorStore tensors;
    for (const auto& [name, tensor] : network.tensors) tensors.set(name, tensor.to(type));
    const Node& node = node_named(network.module, "y");
    return prepared_convolutions(tensors)(network.module, node).module != nullptr;
  };
  const std::string conv = one_input("FusedConvBN", kConv);
  EXPECT_TRUE(prepares(conv, at::kFloat));
  EXPECT_FALSE(prepares(conv, at::kDouble));
  EXPECT_FALSE(prepares(one_input("FusedConvBN", kConv, "f16[2, 8, 9, 7]"), at::kFloat));
  EXPECT_FALSE(prepares(one_input("FusedLinear", "linear=nn.Linear @l {in_features=7, out_features=2}"), at::kFloat));
  EXPECT_FALSE(prepares(
      one_input("FusedConvBN", "conv=nn.Conv1d @c {in_channels=8, out_channels=2, kernel_size=[3]}", "f32[2, 8, 9]"),
      at::kFloat));
}

at::Tensor floats(std::initializer_list<float> values) { return at::tensor(at::ArrayRef<float>(values)); }

TEST(FakeQuantize, RoundsTiesToEvenAndClips) {
  const at::Tensor x = floats({0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 127.5, 128.5, -128.5, 1000, -1000});
  const at::Tensor one = at::scalar_tensor(1.0F);
  EXPECT_TRUE(at::equal(quantize_codes(x, one, 0, activation_range("int8")),
                        floats({0, 2, 2, 0, -2, -2, 127, 127, -128, 127, -128})));
  EXPECT_TRUE(at::equal(quantize_codes(x, one, 0, weight_range("int8")),
                        floats({0, 2, 2, 0, -2, -2, 127, 127, -127, 127, -127})));
  EXPECT_TRUE(
      at::equal(fake_quantize(floats({0.75}), at::scalar_tensor(0.5F), 0, activation_range("int8")), floats({1})));
}

TEST(FakeQuantize, DividesTruly) {
  // Where x / s is a tie, x · (1 / s) often is none. Both orders must not be mixed up.
  const at::Tensor scale = at::scalar_tensor(0.0123F);
  const at::Tensor x = (at::arange(-120, 120, at::kFloat) + 0.5F) * 0.0123F;
  const at::Tensor expected = at::round(at::div(x.to(at::kDouble), scale.to(at::kDouble)).to(at::kFloat));
  const at::Tensor by_reciprocal = at::round(x * scale.reciprocal());
  ASSERT_FALSE(at::equal(expected, by_reciprocal)) << "these numbers do not tell the two apart";
  EXPECT_TRUE(at::equal(quantize_codes(x, scale, 0, activation_range("int8")), expected));
}

TEST(FakeQuantize, TakesAScalePerChannelOfAnyAxis) {
  const at::Tensor x = at::randn({2, 3, 4}), scale = floats({0.01F, 0.1F, 1});
  const at::Tensor got = fake_quantize(x, scale, 1, weight_range("int8"));
  for (int64_t channel = 0; channel < 3; ++channel) {
    EXPECT_TRUE(at::equal(got.select(1, channel),
                          fake_quantize(x.select(1, channel), scale[channel], 0, weight_range("int8"))));
  }
}

TEST(FakeQuantize, PassesGradientsInsideOnlyAndKeepsTheValue) {
  const at::Tensor scale = at::scalar_tensor(0.1F);
  const at::Tensor x = floats({-20, -12.81F, -12.8F, -3.14159F, 0, 0.033F, 0.07F, 12.7F, 12.71F, 20}).requires_grad_();
  const at::Tensor y = fake_quantize(x, scale, 0, activation_range("int8"));
  EXPECT_TRUE(at::equal(y, fake_quantize(x.detach(), scale, 0, activation_range("int8"))))
      << "training sees other values than inference";
  (y * 3).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), floats({0, 0, 3, 3, 3, 3, 3, 3, 0, 0}))) << x.grad();
  const at::Tensor many = (at::randn({10000}) * 5).requires_grad_();
  EXPECT_TRUE(at::equal(fake_quantize(many, scale, 0, activation_range("int8")),
                        fake_quantize(many.detach(), scale, 0, activation_range("int8"))));
}

TEST(FoldBatchNorm, EqualsTheLayerAndItsBatchNorm) {
  for (const char* bias : {"", ", bias=none"}) {
    for (const char* affine : {"", ", weight=none", ", bias=none", ", weight=none, bias=none"}) {
      const Network network = network_of(cat(
          "graph(%x: f32[2, 3, 5, 5]) {\n  %c = nn.Conv2d @c(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3]",
          bias, "}\n  %y = nn.BatchNorm2d @b(%c) {num_features=4", affine, "}\n  return %y\n}\n"));
      const ModuleTable& modules = network.module.modules();
      const FoldedLayer folded =
          fold_batch_norm(modules[modules.find("c")], &modules[modules.find("b")], network.tensors);
      const at::Tensor weight =
          fold_into_weight(modules[modules.find("c")], network.tensors.at("c.weight"), folded.factor);
      const std::vector<at::Tensor> inputs = random_inputs(network.module);
      const at::Tensor expected = Executor(network.module).run(network.tensors, inputs)[0];
      EXPECT_LE(relative_difference(at::conv2d(inputs[0], weight, folded.bias), expected), 1e-6) << bias << affine;
      EXPECT_EQ(folded.factor.scalar_type(), at::kDouble);
    }
  }
}

TEST(FoldBatchNorm, FollowsTheGroupsOfATransposedConvolution) {
  for (const int groups : {1, 2}) {
    const Network network =
        network_of(cat("graph(%x: f32[2, 4, 5, 5]) {\n  %c = nn.ConvTranspose2d @c(%x) {in_channels=4, out_channels=6, "
                       "kernel_size=[3, 3], stride=[2, 2], groups=",
                       groups, "}\n  %y = nn.BatchNorm2d @b(%c) {num_features=6}\n  return %y\n}\n"));
    const ModuleTable& modules = network.module.modules();
    const ModuleRecord& layer = modules[modules.find("c")];
    const FoldedLayer folded = fold_batch_norm(layer, &modules[modules.find("b")], network.tensors);
    const at::Tensor weight = fold_into_weight(layer, network.tensors.at("c.weight"), folded.factor);
    const std::vector<at::Tensor> inputs = random_inputs(network.module);
    const at::Tensor expected = Executor(network.module).run(network.tensors, inputs)[0];
    const at::Tensor value = at::conv_transpose2d(inputs[0], weight, folded.bias, 2, 0, 0, groups);
    EXPECT_LE(relative_difference(value, expected), 1e-6) << groups << " groups";
  }
}

TEST(FoldBatchNorm, LeavesALayerWithoutItAlone) {
  const Network network = network_of(
      "graph(%x: f32[2, 3]) {\n  %y = nn.Linear @l(%x) {in_features=3, out_features=4, bias=none}\n  return %y\n}\n");
  const ModuleRecord& layer = network.module.modules()[network.module.modules().find("l")];
  const FoldedLayer folded = fold_batch_norm(layer, nullptr, network.tensors);
  const at::Tensor& weight = network.tensors.at("l.weight");
  EXPECT_TRUE(at::equal(fold_into_weight(layer, weight, folded.factor), weight));
  EXPECT_FALSE(folded.bias.defined());
  EXPECT_FALSE(folded.factor.defined());
}

}  // namespace
}  // namespace graftwork::core::testing
