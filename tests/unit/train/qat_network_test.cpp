// A network that is trained: its parameters, where gradients go, what scales do, and what is exported.
#include "graftwork/train/qat_network.h"

#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include "graftwork/base/error.h"
#include "graftwork/export/lower.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/quant/scales.h"
#include "unit/train/trained_networks.h"

namespace graftwork::core::testing {
namespace {

std::vector<std::string> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

std::map<std::string, at::Tensor> by_name(const std::vector<NamedTensor>& tensors) {
  return {tensors.begin(), tensors.end()};
}

QuantConfig without_bias_correction() {
  QuantConfig config;
  config.weight.bias_correction = false;
  return config;
}

QatOptions learning(bool activations, bool weights) { return {{activations, weights}, {}}; }

TEST(QatNetwork, HasTheParametersOfTheFloatNetwork) {
  const QuantizationResult result = calibrated(transformed(kSmallCnn), random_batch(16, 1), without_bias_correction());
  const QatNetwork network(result, learning(false, false));
  EXPECT_EQ(names_of(network.named_parameters()),
            (std::vector<std::string>{"body.bn.bias", "body.bn.weight", "body.conv.weight", "head.bias", "head.weight",
                                      "stem.bn.bias", "stem.bn.weight", "stem.conv.weight"}));
  EXPECT_EQ(network.scale_parameters().size(), 0U);
  EXPECT_EQ(network.parameters().size(), network.model_parameters().size());
  const std::vector<std::string> buffers = names_of(network.named_buffers());
  for (const char* name : {"stem.bn.running_mean", "body.bn.running_var", "quant_stub_0.scale"})
    EXPECT_EQ(std::count(buffers.begin(), buffers.end(), name), 1) << name;
}

/// What moves channels between layers is a constant of the new network, whose function it is no part of.
TEST(QatNetwork, HasNoFactorsAmongItsParameters) {
  Network given = transformed(
      "graph(%x: f32[1, 16, 32]) {\n  %n = nn.LayerNorm @n(%x) {normalized_shape=[32]}\n"
      "  %a = nn.Linear @a(%n) {in_features=32, out_features=64}\n"
      "  %g = nn.GELU @g(%a)\n  %b = nn.Linear @b(%g) {in_features=64, out_features=32}\n  return %b\n}\n");
  given.tensors.at("a.weight").data()[7] *= 200;
  QuantConfig config = without_bias_correction();
  config.smooth_quant.emplace();
  const QuantizationResult result =
      calibrated(given, random_tensor({DType::kF32, {Dim(8), Dim(16), Dim(32)}}, 1), config);
  ASSERT_FALSE(result.divided.empty());
  ASSERT_FALSE(result.factors.empty());
  const QatNetwork network(result, learning(false, false));
  EXPECT_EQ(names_of(network.named_parameters()),
            (std::vector<std::string>{"a.bias", "a.weight", "b.bias", "b.weight", "n.bias", "n.weight"}));
  const std::vector<std::string> buffers = names_of(network.named_buffers());
  for (const std::string& factor : result.factors)
    EXPECT_EQ(std::count(buffers.begin(), buffers.end(), factor), 1) << factor;
}

TEST(QatNetwork, BeginsAsWhatWasCalibrated) {
  const QuantizationResult result = calibrated(transformed(kSmallCnn));
  const QatNetwork network(result);
  const at::NoGradGuard no_grad;
  const at::Tensor x = random_batch(5, 3);
  RunOptions options;
  options.any_batch = true;
  EXPECT_TRUE(at::equal(network.forward(x),
                        Executor(result.network.module).run(result.network.tensors, std::array{x}, options)[0]));
}

TEST(QatNetwork, TrainsCopies) {
  const QuantizationResult result = calibrated(transformed(kSmallCnn));
  std::map<std::string, at::Tensor> before;
  for (const auto& [name, tensor] : result.network.tensors) before[name] = tensor.clone();
  QatNetwork network(result);
  network.train();
  torch::optim::SGD optimizer(network.parameters(), torch::optim::SGDOptions(0.1));
  train_step(network, optimizer, 0);
  for (const auto& [name, tensor] : result.network.tensors) EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
  for (const auto& [name, tensor] : network.named_parameters()) {
    if (before.contains(name)) {
      EXPECT_FALSE(at::equal(tensor, before.at(name))) << name << " stayed";
    }
  }
}

TEST(QatNetwork, LearnsToGiveLess) {
  for (const bool learns_scales : {false, true}) {
    QatNetwork network(calibrated(transformed(kSmallCnn)), learning(learns_scales, learns_scales));
    network.train();
    torch::optim::Adam optimizer(network.parameters(), torch::optim::AdamOptions(0.01));
    const double first = train_step(network, optimizer, 0);
    double last = first;
    for (int64_t step = 0; step < 30; ++step) last = train_step(network, optimizer, step);
    EXPECT_LT(last, 0.5 * first);
  }
}

TEST(QatNetwork, HasGradientsOfTheOriginalLeavesOfAPackedProjection) {
  const Network packed = transformed(
      "graph(%x: f32[s0, 5, 8]) {\n  %y = nn.Linear @packed(%x) {in_features=8, out_features=16, "
      "weight=concat([@q.weight: f32[8, 8], slice(@kv.weight: f32[24, 8], 0, 8, 16)], 0), "
      "bias=concat([@q.bias: f32[8], @k.bias: f32[8]], 0)}\n  return %y\n}\n");
  const QuantizationResult result = calibrated(packed, random_batch(16, 1, {5, 8}), without_bias_correction());
  const QatNetwork network(result, learning(false, false));
  EXPECT_EQ(names_of(network.named_parameters()),
            (std::vector<std::string>{"k.bias", "kv.weight", "q.bias", "q.weight"}));
  const at::Tensor x = random_batch(3, 4, {5, 8});
  network.forward(x).square().sum().backward();

  std::map<std::string, at::Tensor> own;
  for (const char* name : {"k.bias", "kv.weight", "q.bias", "q.weight"})
    own[name] = packed.tensors.at(name).clone().requires_grad_();
  const auto scale = [&](const char* name) { return result.network.tensors.at(name); };
  const at::Tensor weight = at::cat({own["q.weight"], own["kv.weight"].slice(0, 8, 16)});
  const at::Tensor rounded = at::fake_quantize_per_channel_affine(
      weight, scale("FusedLinear_0.weight_fake_quant.scale"), at::zeros({16}, at::kInt), 0, -127, 127);
  const at::Tensor read =
      at::fake_quantize_per_tensor_affine(x, scale("quant_stub_0.scale").item<double>(), 0, -128, 127);
  at::linear(read, rounded, at::cat({own["q.bias"], own["k.bias"]})).square().sum().backward();
  for (const auto& [name, tensor] : network.named_parameters())
    EXPECT_LT(relative_difference(tensor.grad(), own[name].grad()), 1e-5) << name;
  EXPECT_EQ(own["kv.weight"].grad().slice(0, 0, 8).abs().max().item<double>(), 0) << "rows that nobody reads";
}

TEST(QatNetwork, TrainsWhatTheModelSaysItTrains) {
  const char* const kWithConstants =
      "graph(%x: f32[s0, 8]) {\n  %p: f32[8] = constant @position: f32[8]\n  %m: f32[8] = constant @mask: f32[8]\n"
      "  %a: f32[s0, 8] = aten.add.Tensor(%x, %p)\n  %b: f32[s0, 8] = aten.add.Tensor(%a, %m)\n"
      "  %y = nn.Linear @fixed(%b) {in_features=8, out_features=8, bias=none}\n"
      "  %z = nn.Linear @head(%y) {in_features=8, out_features=8, bias=none}\n  return %z\n}\n";
  const QuantizationResult result = calibrated(transformed(kWithConstants), random_batch(16, 1, {8}));
  QatOptions options = learning(false, false);
  EXPECT_EQ(names_of(QatNetwork(result, options).named_parameters()),
            (std::vector<std::string>{"fixed.weight", "head.weight"}));
  options.trainable = {{"position", true}, {"mask", false}, {"fixed.weight", false}};
  EXPECT_EQ(names_of(QatNetwork(result, options).named_parameters()),
            (std::vector<std::string>{"head.weight", "position"}));
}

TEST(QatNetwork, LearnsTheScalesThatItIsToldTo) {
  const QuantizationResult result = calibrated(transformed(kSmallCnn));
  const size_t stubs = result.plan.stubs.size(), weights = result.plan.quantized_weights();
  ASSERT_GT(stubs, 2U);
  ASSERT_EQ(weights, 3U);
  EXPECT_EQ(QatNetwork(result, learning(true, false)).scale_parameters().size(), stubs);
  EXPECT_EQ(QatNetwork(result, learning(false, true)).scale_parameters().size(), weights);
  EXPECT_EQ(QatNetwork(result).scale_parameters().size(), stubs + weights);
}

/// s = s₀ · exp(θ), so that dL/dθ = s · dL/ds, which the tests of fake_quantize hold.
TEST(QatNetwork, LearnsScalesByTheirLogarithms) {
  const QuantizationResult result = calibrated(transformed(kSmallCnn));
  const QatNetwork network(result);
  auto parameters = by_name(network.named_parameters());
  const at::Tensor theta = parameters.at("quant_stub_0.log_scale");
  {
    const at::NoGradGuard no_grad;
    theta.fill_(0.25);
  }
  network.forward(random_batch(8, 2)).square().sum().backward();
  Network by_scale = result.network.clone();
  const at::Tensor scale = (result.network.tensors.at("quant_stub_0.scale") * std::exp(0.25)).requires_grad_();
  by_scale.tensors.set("quant_stub_0.scale", scale);
  RunOptions options;
  options.any_batch = true;
  const std::vector<at::Tensor> inputs{random_batch(8, 2)};
  Executor(by_scale.module).run(by_scale.tensors, inputs, options)[0].square().sum().backward();
  EXPECT_GT(theta.grad().abs().item<double>(), 0);
  EXPECT_LT(relative_difference(theta.grad(), scale.grad() * scale.detach()), 1e-4);
}

TEST(QatNetwork, KeepsScalesThatAreSharedTheSame) {
  QuantizationResult result = calibrated(transformed(kSmallCnn));
  result.plan.stubs[0].scale_group = result.plan.stubs[1].scale_group = "joined";
  result.network.tensors.set(result.plan.stubs[1].stub.str() + ".scale",
                             result.network.tensors.at(result.plan.stubs[0].stub.str() + ".scale"));
  QatNetwork network(result, learning(true, false));
  EXPECT_EQ(network.scale_parameters().size(), result.plan.stubs.size() - 1);
  torch::optim::SGD optimizer(network.scale_parameters(), torch::optim::SGDOptions(0.1));
  train_step(network, optimizer, 0);
  const Network frozen = network.freeze({.float_type = DType::kF32});
  const at::Tensor first = frozen.tensors.at(result.plan.stubs[0].stub.str() + ".trained_scale");
  EXPECT_FALSE(at::equal(first, result.network.tensors.at(result.plan.stubs[0].stub.str() + ".scale")));
  EXPECT_TRUE(at::equal(first, frozen.tensors.at(result.plan.stubs[1].stub.str() + ".trained_scale")));
}

/// Batch norm moves while weights keep their codes: the file's scales are those of the folded weights.
TEST(QatNetwork, FreezesScalesAsTheFileHoldsThem) {
  for (const DType type : {DType::kF32, DType::kF16}) {
    QatNetwork network(calibrated(transformed(kSmallCnn)));
    network.train();
    torch::optim::Adam optimizer(network.parameters(), torch::optim::AdamOptions(0.01));
    for (int64_t step = 0; step < 3; ++step) train_step(network, optimizer, step);
    const Network frozen = network.freeze({.float_type = type});
    for (const auto& [name, tensor] : frozen.tensors) {
      EXPECT_FALSE(tensor.requires_grad()) << name;
      EXPECT_FALSE(is_log_scale(name)) << name;
    }
    const ModuleTable& modules = frozen.module.modules();
    const at::Tensor factor = batch_norm_affine(modules[modules.find("stem.bn")], frozen.tensors).factor.abs();
    const at::Tensor scale = frozen.tensors.at("FusedConvBNAct_0.weight_fake_quant.trained_scale");
    const at::Tensor stored = (scale.to(at::kDouble) * factor).to(at::kFloat);
    EXPECT_LE(relative_difference(exported_scales(stored, type), stored), 1e-6) << "the file would hold another scale";
    EXPECT_EQ(at::equal(exported_scales(frozen.tensors.at("quant_stub_0.trained_scale"), type),
                        frozen.tensors.at("quant_stub_0.trained_scale")),
              true);
    ExportOptions options;
    options.float_type = type;
    EXPECT_GT(lower(frozen, options).graph.nodes.size(), 10U);
  }
}

/// Where batch norm stays in the file, scales of weights are those of the layers alone.
TEST(QatNetwork, FreezesScalesOfAFileThatKeepsBatchNorm) {
  for (const DType type : {DType::kF32, DType::kF16}) {
    QatNetwork network(calibrated(transformed(kSmallCnn)));
    network.train();
    torch::optim::Adam optimizer(network.parameters(), torch::optim::AdamOptions(0.01));
    for (int64_t step = 0; step < 3; ++step) train_step(network, optimizer, step);
    const Network frozen = network.freeze({.float_type = type, .keep_batch_norm = true});
    const at::Tensor scale = frozen.tensors.at("FusedConvBNAct_0.weight_fake_quant.trained_scale");
    EXPECT_TRUE(at::equal(exported_scales(scale, type), scale)) << "the file would hold another scale";
    ExportOptions options;
    options.float_type = type;
    options.keep_batch_norm = true;
    const onnx::Model kept = lower(frozen, options);
    options.keep_batch_norm = false;
    EXPECT_GT(kept.graph.nodes.size(), lower(frozen, options).graph.nodes.size()) << "batch norm is not in it";
  }
}

TEST(QatNetwork, FreezesWhatItEvaluates) {
  QatNetwork network(calibrated(transformed(kSmallCnn)));
  network.train();
  torch::optim::Adam optimizer(network.parameters(), torch::optim::AdamOptions(0.01));
  for (int64_t step = 0; step < 3; ++step) train_step(network, optimizer, step);
  network.eval();
  const Network frozen = network.freeze({.float_type = DType::kF32});
  const at::Tensor x = random_batch(32, 9);
  const at::NoGradGuard no_grad;
  const at::Tensor expected = network.forward(x);
  EXPECT_LT(relative_difference(InferenceRunner(frozen).run(std::array{x}, {}, true)[0], expected), 0.02)
      << "a code here and there";
  const at::Tensor before = InferenceRunner(frozen).run(std::array{x}, {}, true)[0];
  {
    const at::AutoGradMode records(true);
    network.train();
    train_step(network, optimizer, 4);
  }
  EXPECT_TRUE(at::equal(InferenceRunner(frozen).run(std::array{x}, {}, true)[0], before)) << "training went on in it";
}

TEST(QatNetwork, TakesASingleInputForASingleResultOnly) {
  const QatNetwork network(
      calibrated(transformed("graph(%x: f32[s0, 8]) {\n  %y = nn.Linear @a(%x) {in_features=8, out_features=8}\n"
                             "  %z = nn.Linear @b(%x) {in_features=8, out_features=8}\n  return %y, %z\n}\n"),
                 random_batch(16, 1, {8})));
  EXPECT_EQ(network.forward(std::vector{random_batch(2, 1, {8})}).size(), 2U);
  EXPECT_THROW(network.forward(random_batch(2, 1, {8})), Error);
}

}  // namespace
}  // namespace graftwork::core::testing
