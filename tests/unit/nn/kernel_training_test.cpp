// The kernel of docs/kernels.md trains: gradients through its body are those of the plain operators.
#include <gtest/gtest.h>

#include "graftwork/base/file.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/patterns/text/parse.h"
#include "graftwork/patterns/transform.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

PatternSections patterns_of_the_page() {
  const std::string page = read_text(GRAFTWORK_TEST_DIR "/../docs/kernels.md");
  const std::string_view fence = "```gpat mlp.gpat\n";
  const size_t begin = page.find(fence) + fence.size();
  return parse_pattern_sections(page.substr(begin, page.find("```", begin) - begin), "mlp.gpat",
                                tensorrt_backend().kinds);
}

const char* const kMlp =
    "graph(%x: f32[5, 16]) {\n  %u = nn.Linear @up(%x) {in_features=16, out_features=32}\n  %a = nn.SiLU @silu(%u)\n"
    "  %g = nn.Linear @gate(%x) {in_features=16, out_features=32}\n  %m = aten.mul.Tensor(%a, %g)\n"
    "  %y = nn.Linear @down(%m) {in_features=32, out_features=16}\n  return %y\n}\n";

/// The gradient of each parameter, by name, where the sum of the squared results is the loss.
std::map<std::string, at::Tensor> gradients(const TensorStore& tensors, const at::Tensor& result) {
  for (const auto& [name, tensor] : tensors) tensor.mutable_grad() = at::Tensor();
  result.square().sum().backward();
  std::map<std::string, at::Tensor> found;
  for (const auto& [name, tensor] : tensors) found[name] = tensor.grad().clone();
  return found;
}

void expect_same(const std::map<std::string, at::Tensor>& got, const std::map<std::string, at::Tensor>& expected) {
  for (const auto& [name, gradient] : expected) {
    EXPECT_GT(gradient.abs().max().item<double>(), 0) << name;
    EXPECT_LT(relative_difference(got.at(name), gradient), 1e-5) << name;
  }
}

TEST(KernelTraining, GradientsAreThoseOfThePlainNetwork) {
  const Network plain = network_of(kMlp);
  const GraphModule fused = transform(plain.module, patterns_of_the_page()).model;
  ASSERT_NE(print(fused).find("= FusedGatedMlp @"), std::string::npos) << print(fused);
  for (const auto& [name, tensor] : plain.tensors) tensor.requires_grad_();
  const std::vector<at::Tensor> inputs = random_inputs(plain.module);
  RunOptions options;
  options.mode = Mode::kTrain;
  const auto run = [&](const GraphModule& module) {
    return gradients(plain.tensors, Executor(module).run(plain.tensors, inputs, options)[0]);
  };
  expect_same(run(fused), run(plain.module));
}

TEST(KernelTraining, GradientsPassTheFakeQuantizersOfTheBodyWhereNothingIsClipped) {
  const Network plain = network_of(kMlp);
  std::string text = print(transform(plain.module, patterns_of_the_page()).model);
  const auto replace = [&](const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in\n" << text;
    text.replace(at, from.size(), to);
  };
  replace("@FusedGatedMlp_0.down_weight_fake_quant", "@down_quant {given_scale=0.05}");
  replace("down_weight_fake_quant=", "hidden_quant=QuantStub @hidden_quant {given_scale=1.0}, down_weight_fake_quant=");
  const GraphModule quantized = parse_network(text);
  for (const auto& [name, tensor] : plain.tensors) tensor.requires_grad_();
  const std::vector<at::Tensor> inputs = random_inputs(plain.module);
  const auto at = [&](const char* name) { return plain.tensors.at(name); };
  const at::Tensor hidden = at::silu(at::linear(inputs[0], at("up.weight"), at("up.bias"))) *
                            at::linear(inputs[0], at("gate.weight"), at("gate.bias"));
  ASSERT_LT(hidden.abs().max().item<double>(), 127) << "a clipped value has no gradient";
  const at::Tensor expected =
      at::linear(at::fake_quantize_per_tensor_affine(hidden, 1.0, 0, -128, 127),
                 at::fake_quantize_per_tensor_affine(at("down.weight"), 0.05, 0, -127, 127), at("down.bias"));
  RunOptions options;
  options.mode = Mode::kTrain;
  const at::Tensor got = Executor(quantized).run(plain.tensors, inputs, options)[0];
  EXPECT_LT(relative_difference(got, expected), 1e-5);
  expect_same(gradients(plain.tensors, got), gradients(plain.tensors, expected));
}

}  // namespace
}  // namespace graftwork::core::testing
