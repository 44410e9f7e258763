// Tensors that are written in place, that share memory, and that no operator has made.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/utils.h>

#include <thread>

#include "unit/recorded/recorded_testing.h"

namespace graftwork::core::testing {
namespace {

TEST(RecordMemory, WritesThroughViewsBecomeValues) {
  const LoadedNetwork loaded = recorded(one_result([](const Tensors& in) {
                                          at::Tensor y = in[0] * 2;
                                          y.select(0, 0).add_(1);
                                          y.narrow(1, 1, 2).mul_(3);
                                          return y.view({-1}).relu_();
                                        }),
                                        {at::randn({2, 4})});
  EXPECT_EQ(text(loaded).find("_.Tensor"), std::string::npos) << text(loaded);
}

TEST(RecordMemory, WritingToAnInputLeavesItsLaterReadersRight) {
  recorded(one_result([](const Tensors& in) {
             at::Tensor x = in[0].clone();
             const at::Tensor before = x + 1;
             x.zero_();
             return before * x.add_(2);
           }),
           {at::randn({3})});
}

TEST(RecordMemory, TensorsThatNoOperatorHasMadeAreConstants) {
  const at::Tensor table = at::randn({4});
  const LoadedNetwork loaded = recorded(one_result([&](const Tensors& in) { return in[0] * table; }), {at::randn({4})});
  EXPECT_EQ(text(loaded),
            "graph(%x: f32[4]) {\n  %mul_other = constant @mul_other: f32[4]\n"
            "  %mul = aten.mul.Tensor(%x, %mul_other)\n  return output=%mul\n}\n");
  EXPECT_TRUE(loaded.network.tensors.at("mul_other").is_same(table));
  EXPECT_FALSE(loaded.trainable.at("mul_other"));
}

TEST(RecordMemory, MemoryOfOthersIsCopied) {
  std::vector<float> numbers{1, 2};
  const Forward forward = one_result([&](const Tensors& in) { return in[0] + at::from_blob(numbers.data(), {2}); });
  const LoadedNetwork loaded = record(forward, {at::ones({2})}, {}, {});
  numbers = {7, 7};
  EXPECT_TRUE(at::equal(loaded.network.tensors.at("add_other"), at::tensor({1.F, 2.F})));
}

TEST(RecordMemory, WhatIsMadeWithoutValuesIsFilled) {
  const LoadedNetwork loaded = recorded(one_result([](const Tensors& in) {
                                          at::Tensor y = at::empty({2, 3});
                                          y.select(0, 0).copy_(in[0]);
                                          y.select(0, 1).fill_(5);
                                          const at::Tensor numbers = torch::tensor({1.F, 2.F, 3.F});  // by hand
                                          return y + numbers;
                                        }),
                                        {at::randn({3})});
  EXPECT_EQ(loaded.warnings, std::vector<std::string>());
}

TEST(RecordMemory, FactoriesOfTheFrontEndAreOperators) {
  const LoadedNetwork loaded =
      recorded(one_result([](const Tensors& in) { return in[0] + torch::arange(3, at::kFloat) + torch::ones({3}); }),
               {at::randn({3})});
  EXPECT_EQ(loaded.network.tensors.size(), 2U) << text(loaded);  // both folded
}

TEST(RecordMemory, InputsAndParametersMayBeResults) {
  const at::Tensor bias = at::randn({2});
  const Forward forward = [&](const Tensors& in) { return Tensors{in[0], bias, in[0] + bias, in[0]}; };
  RecordOptions options;
  options.inputs = {"image"};
  options.outputs = {"same", "bias", "sum"};
  const LoadedNetwork loaded = recorded(forward, {at::randn({2})}, {{"layer.bias", bias}}, {}, options);
  EXPECT_EQ(text(loaded),
            "graph(%image: f32[2]) {\n  %layer_bias = constant @layer.bias: f32[2]\n"
            "  %add = aten.add.Tensor(%image, %layer_bias)\n"
            "  return same=%image, bias=%layer_bias, sum=%add, output_3=%image\n}\n");
}

TEST(RecordMemory, OperatorsOfSeveralResultsAndLists) {
  recorded(one_result([](const Tensors& in) {
             const std::vector<at::Tensor> parts = at::split(in[0], 2, 1);
             const auto [values, indices] = at::topk(parts[1], 1, 1);
             return at::cat({parts[0], values, indices.to(at::kFloat)}, 1);
           }),
           {at::randn({3, 4})});
}

TEST(RecordMemory, WholeNumbersTruthValuesAndMissingTensors) {
  const Forward forward = [](const Tensors& in) {
    const at::Tensor chosen = at::where(in[1], in[0], -in[0]);
    return Tensors{chosen, at::layer_norm(chosen.to(at::kDouble), {3}), at::index(in[0], {at::Tensor(), in[2]})};
  };
  const LoadedNetwork loaded = recorded(
      forward, {at::arange(6).reshape({2, 3}), at::tensor({1, 0, 1}).to(at::kBool), at::tensor({2, 0}).to(at::kLong)});
  EXPECT_EQ(loaded.warnings, std::vector<std::string>());
  EXPECT_NE(text(loaded).find("graph(%x_0: i64[2, 3], %x_1: bool[3], %x_2: i64[2])"), std::string::npos);
}

TEST(RecordMemory, AnotherHandleOfATensorIsThatTensor) {
  const LoadedNetwork loaded = recorded(one_result([](const Tensors& in) {
                                          const at::Tensor y = in[0] * 2;
                                          return y.variable_data() + y.detach();
                                        }),
                                        {at::randn({2})});
  EXPECT_EQ(loaded.network.tensors.size(), 0U) << text(loaded);
}

TEST(RecordMemory, WritingToWhatSeveralShareIsRefused) {
  const at::Tensor both = at::zeros({4});
  const NamedTensors buffers{{"a", both}, {"b", both.view({2, 2})}};
  expect_error("capture.alias", "a, b share", [&] {
    record(one_result([&](const Tensors& in) {
             both.add_(in[0]);
             return buffers[1].second + 1;
           }),
           {at::ones({4})}, {}, buffers);
  });
}

TEST(RecordMemory, StateThatCallsChangeIsRefused) {
  const at::Tensor counter = at::zeros({1});
  expect_error("pt2.in_place", "the results depend on counter", [&] {
    record(one_result([&](const Tensors& in) { return in[0] + counter.add_(1); }), {at::ones({1})}, {},
           {{"counter", counter}});
  });
}

TEST(RecordMemory, InputsAreCheckedByName) {
  const Forward forward = one_result([](const Tensors& in) { return in[0] + 1; });
  const at::Tensor x = at::ones({2});
  expect_error("capture.input", "input x is undefined", [&] { record(forward, {at::Tensor()}, {}, {}); });
  expect_error("capture.input", "input x_1 is the same tensor", [&] { record(forward, {x, x}, {}, {}); });
  expect_error("capture.input", "not a dense tensor", [&] { record(forward, {x.to_sparse()}, {}, {}); });
  RecordOptions options;
  options.inputs = {"a", "a"};
  expect_error("capture.input", "the name of another", [&] { record(forward, {x, at::ones({1})}, {}, {}, options); });
  expect_error("capture.output", "result output is no dense tensor",
               [&] { record([](const Tensors&) { return Tensors{at::Tensor()}; }, {x}, {}, {}); });
}

TEST(RecordMemory, ExceptionsPassThroughAndLeaveNothingBehind) {
  const at::Tensor x = at::ones({2});
  struct OwnError {};
  EXPECT_THROW(record([](const Tensors&) -> Tensors { throw OwnError(); }, {x}, {}, {}), OwnError);
  EXPECT_THROW(record(one_result([](const Tensors& in) { return at::mm(in[0], in[0]); }), {x}, {}, {}), c10::Error);
  // An operator that has thrown is none of the network's.
  const LoadedNetwork loaded = recorded(one_result([](const Tensors& in) {
                                          try {
                                            return at::mm(in[0], in[0]);
                                          } catch (const c10::Error&) {
                                            return in[0] * 2;
                                          }
                                        }),
                                        {x});
  EXPECT_EQ(text(loaded), "graph(%x: f32[2]) {\n  %mul = aten.mul.Tensor(%x) {other=2}\n  return output=%mul\n}\n");
}

TEST(RecordMemory, CastsOfAutocastAreOperators) {
  const at::Tensor weight = at::randn({3, 4});
  const Forward forward = one_result([&](const Tensors& in) {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const at::Tensor y = at::relu(at::linear(in[0], weight));
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
    return y;
  });
  const LoadedNetwork loaded = recorded(forward, {at::randn({2, 4})}, {{"weight", weight}});
  EXPECT_EQ(count(loaded.network.module, "aten.linear.default"), 1);
  EXPECT_EQ(loaded.network.module.graph().output()->input(0).tensor()->dtype, DType::kBF16);
}

TEST(RecordMemory, GradientsAreNotRecordedAndModesStay) {
  const at::Tensor weight = at::ones({2}).requires_grad_();
  const LoadedNetwork loaded = record(one_result([&](const Tensors& in) {
                                        EXPECT_FALSE(at::GradMode::is_enabled());
                                        return in[0] * weight;
                                      }),
                                      {at::ones({2})}, {{"weight", weight}}, {});
  EXPECT_TRUE(at::GradMode::is_enabled());
  EXPECT_TRUE(loaded.trainable.at("weight"));
}

TEST(RecordMemory, ThreadsRecordAtOnceAndApart) {
  const auto text_of = [](double factor) {
    return text(recorded(one_result([=](const Tensors& in) {
                           at::Tensor x = in[0];
                           for (int i = 0; i < 50; ++i) x = at::relu(x * factor);
                           return x;
                         }),
                         {at::randn({8})}));
  };
  const std::string wanted[] = {text_of(2), text_of(3)};
  std::string found[2];
  std::thread other([&] { found[1] = text_of(3); });
  found[0] = text_of(2);
  other.join();
  EXPECT_EQ(found[0], wanted[0]);
  EXPECT_EQ(found[1], wanted[1]);
}

TEST(RecordMemory, ARecordingInsideOfAnotherIsItsOwn) {
  LoadedNetwork inner;
  const LoadedNetwork outer =
      recorded(one_result([&](const Tensors& in) {
                 inner = record(one_result([](const Tensors& x) { return at::exp(x[0]); }), {at::ones({2})}, {}, {});
                 return at::sin(in[0]);
               }),
               {at::randn({2})});
  EXPECT_NE(text(inner).find("aten.exp.default"), std::string::npos);
  EXPECT_EQ(text(outer).find("aten.exp.default"), std::string::npos);
}

}  // namespace
}  // namespace graftwork::core::testing
