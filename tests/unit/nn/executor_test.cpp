// The executor: parameters as arguments, memory, autograd, operators of every shape, errors; and parameter expressions.
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/size_arithmetic.h"
#include "support/networks.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

std::vector<at::Tensor> run(const GraphModule& module, const std::vector<at::Tensor>& inputs,
                            const RunOptions& options = {}) {
  return Executor(module).run({}, inputs, options);
}

at::Tensor run_one(std::string_view text, const std::vector<at::Tensor>& inputs) {
  return run(parse_network(text), inputs).at(0);
}

at::Tensor counting(at::IntArrayRef sizes, at::ScalarType type = at::kFloat) {
  return at::arange(c10::multiply_integers(sizes), at::TensorOptions(type)).reshape(sizes);
}

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return {"none", "nothing was thrown"};
}

TEST(Executor, TakesParametersAsArguments) {
  const GraphModule module = parse_network(
      "graph(%x: f32[2, 3]) {\n  %y = nn.Linear @fc(%x) {in_features=3, out_features=4}\n  return %y\n}\n");
  const Executor executor(module);
  const std::vector<at::Tensor> inputs = random_inputs(module);
  for (const uint64_t seed : {1, 2}) {
    const TensorStore tensors = random_parameters(module, seed);
    EXPECT_TRUE(at::equal(executor.run(tensors, inputs)[0],
                          at::linear(inputs[0], tensors.at("fc.weight"), tensors.at("fc.bias"))))
        << seed;
  }
  EXPECT_EQ(error_of([&] { executor.run({}, inputs); }).code(), "nn.parameter");
}

TEST(Executor, FreesValuesAfterTheirLastUse) {
  // Every value but %a has one reader right behind it; %a is read at the end; %unused and the indices by nobody.
  const GraphModule module = parse_network(
      "graph(%x: f32[2, 4]) {\n"
      "  %a = aten.neg.default(%x)\n  %b = aten.neg.default(%a)\n  %unused = aten.neg.default(%b)\n  %c = "
      "aten.neg.default(%b)\n"
      "  %t: (f32[2, 1], i64[2, 1]) = aten.max.dim(%c) {dim=1, keepdim=true}\n  %p = get_item(%t) {index=0}\n"
      "  %q = aten.cat.default(%p, %p, %p, %p) {dim=1}\n  %d = aten.neg.default(%q)\n  %e = aten.add.Tensor(%d, %a)\n  "
      "return %e\n}\n");
  std::vector<ValueRef> all;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() != NodeKind::kInput && node.kind() != NodeKind::kOutput) all.push_back({&node});
  }
  const Executor executor(module, all);
  std::vector<std::pair<std::string, c10::weak_intrusive_ptr<c10::TensorImpl>>> seen;
  std::map<std::string, std::string> alive_at;
  RunOptions options;
  options.watcher = [&](const ValueRef& watched, const at::Tensor& value) {
    const Node& node = *watched.node;
    seen.emplace_back(node.name().str(), value.getIntrusivePtr());
    for (const auto& [name, weak] : seen) {
      if (!weak.expired()) alive_at[node.name().str()] += name + " ";
    }
  };
  executor.run({}, random_inputs(module), options);
  EXPECT_EQ(alive_at["b"], "a b ");
  EXPECT_EQ(alive_at["unused"], "a b unused ");
  EXPECT_EQ(alive_at["c"], "a b c ");
  EXPECT_EQ(alive_at["p"], "a p ");
  EXPECT_EQ(alive_at["d"], "a q d ");
  EXPECT_EQ(alive_at["e"], "a d e ");
}

TEST(Executor, LetsAWatcherReplaceAValue) {
  const GraphModule module = parse_network(
      "graph(%x: f32[2]) {\n  %a = aten.neg.default(%x)\n  %b = aten.neg.default(%a)\n  return %b, %a\n}\n");
  const Executor executor(module, {{&node_named(module, "a")}});
  RunOptions options;
  options.watcher = [](const ValueRef&, at::Tensor& value) { value = at::full({2}, 7.0F); };
  const std::vector<at::Tensor> results = executor.run({}, std::vector{at::ones({2})}, options);
  EXPECT_TRUE(at::equal(results[0], at::full({2}, -7.0F)));
  EXPECT_TRUE(at::equal(results[1], at::full({2}, 7.0F)));
}

TEST(Executor, GivesTheGradientsOfThePlainOperators) {
  const Network network = network_of(
      "graph(%x: f32[2, 3, 7, 7]) {\n"
      "  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], stride=[2, 2], bias=none}\n"
      "  %b = nn.BatchNorm2d @bn(%c) {num_features=4}\n  %r = nn.SiLU @act(%b)\n  %f = nn.Flatten @flat(%r)\n"
      "  %y = nn.Linear @fc(%f) {in_features=36, out_features=2, weight=permute(@fc.stored: f32[36, 2], [1, 0])}\n  "
      "return %y\n}\n");
  std::vector<at::Tensor> leaves;
  for (const auto& [name, tensor] : network.tensors) {
    if (!name.starts_with("bn.running")) leaves.push_back(tensor.requires_grad_());
  }
  const std::vector<at::Tensor> inputs = random_inputs(network.module);
  const auto gradients = [&](const at::Tensor& result) {
    for (at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor();
    result.square().sum().backward();
    std::vector<at::Tensor> found;
    for (const at::Tensor& leaf : leaves) found.push_back(leaf.grad());
    return found;
  };
  for (const Mode mode : {Mode::kEval, Mode::kTrain}) {
    const auto at = [&](const char* name) { return network.tensors.at(name); };
    RunOptions options;
    options.mode = mode;
    const at::Tensor mean = at("bn.running_mean").clone(), var = at("bn.running_var").clone();
    const std::vector<at::Tensor> got = gradients(Executor(network.module).run(network.tensors, inputs, options)[0]);
    EXPECT_EQ(at::equal(mean, at("bn.running_mean")), mode == Mode::kEval);
    const at::Tensor normal = at::batch_norm(at::conv2d(inputs[0], at("conv.weight"), {}, 2), at("bn.weight"),
                                             at("bn.bias"), mean, var, mode == Mode::kTrain, 0.1, 1e-5, false);
    const std::vector<at::Tensor> expected =
        gradients(at::linear(at::silu(normal).flatten(1), at("fc.stored").t(), at("fc.bias")));
    for (size_t i = 0; i < leaves.size(); ++i) {
      ASSERT_TRUE(got[i].defined()) << i;
      EXPECT_TRUE(at::equal(got[i], expected[i])) << i;
    }
  }
}

TEST(Executor, RunsATransposedConvolutionOnTheWeightThatItWasTrainedWith) {
  const Network network = network_of(
      "graph(%x: f32[1, 4, 5, 5]) {\n  %y = nn.ConvTranspose2d @c(%x) {in_channels=4, out_channels=3, "
      "kernel_size=[2, 2]} [weight_fake_quant=WeightFakeQuantize @q {axis=1, given_scale=0.5}]\n  return %y\n}\n");
  const at::Tensor x = random_inputs(network.module)[0];
  const at::Tensor weight = at::fake_quantize_per_tensor_affine(network.tensors.at("c.weight"), 0.5, 0, -127, 127);
  const at::Tensor expected = at::conv_transpose2d(x, weight, network.tensors.at("c.bias"));
  EXPECT_LT(relative_difference(Executor(network.module).run(network.tensors, std::array{x})[0], expected), 1e-5);
}

TEST(Executor, RunsOperatorsWithSeveralResults) {
  const at::Tensor x = random_tensor({DType::kF32, {Dim(4), Dim(6)}}, 1);
  const std::vector<at::Tensor> results = run(
      parse_network(
          "graph(%x: f32[4, 6]) {\n"
          "  %m: (f32[4], i64[4]) = aten.max.dim(%x) {dim=1}\n  %v = get_item(%m) {index=0}\n  %i = get_item(%m) "
          "{index=1}\n"
          "  %s: (f32[4, 4], f32[4, 2]) = aten.split.Tensor(%x) {split_size=4, dim=1}\n  %b = get_item(%s) {index=1}\n"
          "  return %v, %i, %b\n}\n"),
      {x});
  const auto [values, indices] = at::max(x, 1);
  EXPECT_TRUE(at::equal(results[0], values));
  EXPECT_TRUE(at::equal(results[1], indices));
  EXPECT_TRUE(at::equal(results[2], x.slice(1, 4, 6)));
}

TEST(Executor, PassesListsWithNone) {
  const at::Tensor x = counting({3, 4}), i = at::tensor({2, 0, 2}, at::kLong);
  const at::Tensor got = run_one(
      "graph(%x: f32[3, 4], %i: i64[3]) {\n  %y: f32[3, 3] = aten.index.Tensor(%x, %i) {indices=[none, $1]}\n  return "
      "%y\n}\n",
      {x, i});
  EXPECT_TRUE(at::equal(got, x.index_select(1, i)));
}

TEST(Executor, PassesATensorListBehindATensor) {
  const at::Tensor x = counting({2, 2});
  const at::Tensor got = run_one(
      "graph(%x: f32[2, 2], %z: f32[2, 2]) {\n  %y = aten.cat.default(%x, %z, %x) {dim=1}\n  return %y\n}\n", {x, -x});
  EXPECT_TRUE(at::equal(got, at::cat({x, -x, x}, 1)));
}

TEST(Executor, LeavesTypePromotionToNumbersAsNumbers) {
  const auto type = [](const char* dtype, const char* call) {
    const GraphModule module = parse_network(cat("graph(%x: ", dtype, "[2]) {\n  %y = ", call, "\n  return %y\n}\n"));
    return run(module, random_inputs(module))[0].scalar_type();
  };
  EXPECT_EQ(type("i64", "aten.mul.Tensor(%x) {other=2.5}"), at::kFloat);
  EXPECT_EQ(type("f16", "aten.mul.Tensor(%x) {other=2.5}"), at::kHalf);
  EXPECT_EQ(type("f32", "aten.add.Tensor(%x) {other=3}"), at::kFloat);
  EXPECT_EQ(type("i32", "aten.add.Tensor(%x) {other=3}"), at::kInt);
  EXPECT_EQ(type("bool", "aten.mul.Tensor(%x) {other=3}"), at::kLong);
  EXPECT_EQ(type("i32", "aten.mul.Tensor(%x) {other=true}"), at::kInt);
  const at::Tensor x = at::tensor({3, 4}, at::kLong);
  EXPECT_TRUE(at::equal(run_one("graph(%x: i64[2]) {\n  %y = aten.mul.Tensor(%x) {other=2.5}\n  return %y\n}\n", {x}),
                        x * 2.5));
}

TEST(Executor, PassesSizesThatAreKnownAtRunTimeOnly) {
  const GraphModule module = parse_network(
      "graph(%x: f32[s0, 4]) {\n"
      "  %n: int = aten.sym_size.int(%x) {dim=0}\n  %h: int = sym.floordiv(%n) {a=$0, b=2}\n  %m: int = sym.mul(%h, "
      "%n) {a=$1, b=$0}\n"
      "  %y: f32[s1, 8] = aten.view.default(%x, %h) {size=[$1, 8]}\n  %z: f32[s2] = aten.full.default(%m) {size=[$0], "
      "fill_value=1.5}\n"
      "  return %y, %z\n}\n");
  for (const int64_t rows : {2, 6}) {
    const at::Tensor x = counting({rows, 4});
    const std::vector<at::Tensor> results = run(module, {x});
    EXPECT_TRUE(at::equal(results[0], x.view({rows / 2, 8})));
    EXPECT_TRUE(at::equal(results[1], at::full({rows / 2 * rows}, 1.5)));
  }
}

TEST(Executor, SaysAboutSizesWhatIsWrongWithThem) {
  const GraphModule module = parse_network(
      "graph(%x: f32[s0]) {\n  %n: int = aten.sym_size.int(%x) {dim=0}\n  %h: int = sym.floordiv(%n) {a=7, b=$0}\n"
      "  %y: f32[s1] = aten.full.default(%h) {size=[$0], fill_value=0}\n  return %y\n}\n");
  EXPECT_EQ(run(module, {at::ones({2})})[0].numel(), 3);
  const Error error = error_of([&] { run(module, {at::ones({0})}); });
  EXPECT_EQ(error.code(), "nn.size");
  EXPECT_EQ(error.context().at(0), "%h = sym.floordiv");
}

TEST(Sizes, ThatDoNotFit64BitsAreRefused) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const auto code = [](const char* op, std::vector<c10::IValue> operands) {
    return error_of([&] { run_size_operator(op, operands); }).code();
  };
  EXPECT_EQ(code("sym.floordiv", {kLeast, int64_t{-1}}), "nn.size");
  EXPECT_EQ(code("sym.add", {kMost, int64_t{1}}), "nn.size");
  EXPECT_EQ(code("sym.sub", {kLeast, int64_t{1}}), "nn.size");
  EXPECT_EQ(code("sym.mul", {kMost, int64_t{2}}), "nn.size");
  EXPECT_EQ(code("sym.neg", {kLeast}), "nn.size");
  EXPECT_EQ(code("sym.mod", {int64_t{1}, int64_t{0}}), "nn.size");
  EXPECT_EQ(code("sym.pow", {int64_t{10}, int64_t{20}}), "nn.size");
  EXPECT_EQ(code("sym.int", {std::numeric_limits<double>::quiet_NaN()}), "nn.size");
  EXPECT_EQ(code("sym.floor", {1e19}), "nn.size");
  EXPECT_EQ(run_size_operator("sym.mod", {kLeast, int64_t{-1}}).toInt(), 0);
  EXPECT_EQ(run_size_operator("sym.mod", {kLeast, int64_t{3}}).toInt(), 1);
  EXPECT_EQ(run_size_operator("sym.mod", {int64_t{-7}, int64_t{3}}).toInt(), 2);
  EXPECT_EQ(run_size_operator("sym.floordiv", {int64_t{-7}, int64_t{2}}).toInt(), -4);
}

TEST(Executor, ReportsAllUnknownOperatorsAtOnce) {
  const GraphModule module = parse_network(
      "graph(%x: f32[2]) {\n  %a: f32[2] = mine.first.default(%x)\n  %b = aten.neg.default(%a)\n"
      "  %c: f32[2] = aten.relu.nonsense(%b)\n  return %c\n}\n");
  const Error error = error_of([&] { Executor executor(module); });
  EXPECT_EQ(error.code(), "nn.unsupported");
  ASSERT_EQ(error.context().size(), 2U);
  EXPECT_NE(error.context()[0].find("%a = mine.first.default"), std::string::npos);
  EXPECT_NE(error.context()[1].find("%c = aten.relu.nonsense"), std::string::npos);
}

TEST(Executor, ReportsAttributesThatNoArgumentTakes) {
  const auto message = [](const char* call) {
    const GraphModule module = parse_network(cat("graph(%x: f32[2]) {\n  %y: f32[2] = ", call, "\n  return %y\n}\n"));
    return error_of([&] { Executor executor(module); }).report();
  };
  EXPECT_NE(message("aten.neg.default(%x) {speed=2}").find("aten.neg.default has no argument speed"),
            std::string::npos);
  EXPECT_NE(message("aten.neg.default(%x, %x)").find("takes fewer than 2 inputs"), std::string::npos);
  EXPECT_NE(message("aten.softmax.int(%x)").find("argument dim is missing"), std::string::npos);
}

TEST(Executor, NamesTheNodeWhereTorchFails) {
  const GraphModule module =
      parse_network("graph(%x: f32[2, 3]) {\n  %y: f32[2, 2] = aten.mm.default(%x, %x)\n  return %y\n}\n");
  const Error error = error_of([&] { run(module, {at::ones({2, 3})}); });
  EXPECT_EQ(error.code(), "nn.run");
  EXPECT_EQ(error.context().at(0), "%y = aten.mm.default");
}

TEST(Executor, ChecksItsInputs) {
  const GraphModule module = parse_network("graph(%x: f32[2, s0], %z: i64[3]) {\n  return %x, %z\n}\n");
  const at::Tensor x = at::ones({2, 5}), z = at::ones({3}, at::kLong);
  EXPECT_EQ(run(module, {x, z}).size(), 2U);
  for (const std::vector<at::Tensor>& wrong : std::vector<std::vector<at::Tensor>>{
           {x}, {x, x}, {at::ones({3, 5}), z}, {x.to(at::kDouble), z}, {at::ones({2}), z}}) {
    EXPECT_EQ(error_of([&] { run(module, wrong); }).code(), "nn.input");
  }
  RunOptions any_batch;
  any_batch.any_batch = true;
  EXPECT_EQ(run(module, {at::ones({3, 5}), at::ones({1}, at::kLong)}, any_batch).size(), 2U);
}

TEST(Executor, RunsInManyThreadsAtOnce) {
  const Network network = network_of(
      "graph(%x: f32[1, 3, 9, 9]) {\n  %c = nn.Conv2d @c(%x) {in_channels=3, out_channels=8, kernel_size=[3, 3]}\n"
      "  %r = aten.relu.default(%c)\n  return %r\n}\n");
  const Executor executor(network.module);
  const std::vector<at::Tensor> inputs = random_inputs(network.module);
  const at::Tensor expected = executor.run(network.tensors, inputs)[0];
  std::vector<std::thread> threads;
  std::atomic<int> equal{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k)
        equal += relative_difference(executor.run(network.tensors, inputs)[0], expected) < 1e-5 ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 80);
}

TEST(ParamExpr, EvaluatesAsWrittenAndPassesGradientsToTheLeaves) {
  const ParamExpr a = ParamExpr::leaf("a", {DType::kF32, {Dim(4), Dim(6)}}),
                  b = ParamExpr::leaf("b", {DType::kF32, {Dim(2), Dim(6)}});
  const ParamExpr expr = ParamExpr::concat({a.permute({1, 0}).slice(0, 1, 5), b.view({4, 3})}, 1)
                             .multiply(b.slice(1, 2, 3).view({2}).slice(0, 1, 2));
  TensorStore tensors;
  for (const char* name : {"a", "b"})
    tensors.set(name, random_tensor((name[0] == 'a' ? a : b).type(), hash_of(name)).requires_grad_());
  const at::Tensor x = tensors.at("a"), y = tensors.at("b");
  const at::Tensor got = evaluate(expr, tensors);
  EXPECT_EQ(expr.type().text(), type_of(got).text());
  const auto plain = [&] {
    return at::cat({x.permute({1, 0}).slice(0, 1, 5), y.reshape({4, 3})}, 1) *
           y.slice(1, 2, 3).reshape({2}).slice(0, 1, 2);
  };
  EXPECT_TRUE(at::equal(got, plain()));
  got.square().sum().backward();
  const at::Tensor grad_x = x.grad().clone(), grad_y = y.grad().clone();
  x.mutable_grad().zero_();
  y.mutable_grad().zero_();
  plain().square().sum().backward();
  EXPECT_TRUE(at::equal(grad_x, x.grad()));
  EXPECT_TRUE(at::equal(grad_y, y.grad()));
  EXPECT_GT(grad_x.abs().sum().item<float>(), 0);
}

TEST(FindOperator, KnowsNoneThatReachesFilesOrProcesses) {
  EXPECT_TRUE(find_operator("aten.relu.default"));
  EXPECT_TRUE(find_operator("quantized.relu6.default"));
  for (const char* op : {"aten.from_file.default", "aten.from_file.out", "profiler._record_function_enter.default",
                         "c10d.barrier.default", "relu", "aten.relu", ""}) {
    EXPECT_FALSE(find_operator(op)) << op;
  }
}

TEST(Admits, GoesByTheKindOfTheArgument) {
  const auto takes = [](const char* op, const char* argument, const Attribute& attr) {
    const c10::FunctionSchema& schema = find_operator(op)->schema();
    return admits(schema.arguments().at(static_cast<size_t>(*schema.argumentIndexWithName(argument))), attr);
  };
  const Attribute one(int64_t{1}), half(0.5), yes(true), text(std::string("same")), none, type(DType::kF32);
  const Attribute integers(std::vector<int64_t>{1, 2}), texts(Attribute::List{text});
  const auto conv = [&](const char* argument, const Attribute& attr) {
    return takes("aten.conv2d.default", argument, attr);
  };
  EXPECT_TRUE(conv("stride", integers) && conv("stride", one) && conv("groups", one) && conv("bias", none));
  for (const Attribute* wrong : {&half, &text, &none, &type, &texts}) {
    EXPECT_FALSE(conv("stride", *wrong)) << wrong->text();
    EXPECT_FALSE(conv("groups", *wrong)) << wrong->text();
  }
  EXPECT_FALSE(conv("groups", integers));
  EXPECT_TRUE(takes("aten.conv2d.padding", "padding", text));
  EXPECT_FALSE(takes("aten.conv2d.padding", "padding", one));
  EXPECT_TRUE(takes("aten._to_copy.default", "dtype", type) && takes("aten._to_copy.default", "dtype", none));
  EXPECT_TRUE(takes("aten.add.Tensor", "alpha", half) && takes("aten.add.Tensor", "other", one));
  EXPECT_FALSE(takes("aten.add.Tensor", "alpha", text));
  EXPECT_TRUE(takes("aten.index.Tensor", "indices", Attribute(Attribute::List{none, InputRef{0}})));
  EXPECT_TRUE(takes("aten.relu.default", "self", InputRef{0}));
}

}  // namespace
}  // namespace graftwork::core::testing
