// Which operators run at all, and on which arguments they do not.
#include "graftwork/nn/runnable_operators.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"
#include "graftwork/nn/argument_checks.h"
#include "support/networks.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

TEST(RunnableOperators, AreThoseThatNetworksContain) {
  for (const char* op :
       {"aten.relu.default", "aten._softmax.default", "aten._to_copy.default", "aten._unsafe_view.default",
        "aten.native_layer_norm.default", "aten.convolution.default", "aten.grid_sampler.default",
        "aten.max_pool2d_with_indices.default", "aten._native_batch_norm_legit_no_training.default"})
    EXPECT_TRUE(may_run(op)) << op;
}

TEST(RunnableOperators, AreNoOthers) {
  for (const char* op :
       {"aten.max_pool2d_with_indices_backward.default", "aten.special_legendre_polynomial_p.n_scalar",
        "aten._cdist_backward.default", "aten.relu_.default", "aten.add_.Tensor", "aten.add.out",
        "aten.empty.memory_format", "aten.empty_like.default", "aten.empty_strided.default", "aten.set_.source_Tensor",
        "aten.resize_.default", "aten.rand.default", "aten.ctc_loss.IntList", "quantized.relu6.default",
        "prims.add.default", "aten.from_file.default", "aten.relu", ""}) {
    EXPECT_FALSE(may_run(op)) << op;
  }
}

std::string refusal(const char* call) {
  try {
    Executor executor(parse_network(cat("graph(%x: f32[2]) {\n  %y: f32[2] = ", call, "\n  return %y\n}\n")));
  } catch (const Error& error) {
    return error.report();
  }
  return "nothing was thrown";
}

TEST(RunnableOperators, OthersAreRefusedByNameAndPlace) {
  const std::string report = refusal("aten.special_bessel_j0.default(%x)");
  for (const char* words : {"nn.unsupported", "%y = aten.special_bessel_j0.default", "that a network may call"})
    EXPECT_NE(report.find(words), std::string::npos) << report;
  EXPECT_NE(refusal("aten.no_such_operator.default(%x)").find("torch does not know"), std::string::npos);
}

TEST(RunnableOperators, OthersHaveShapesAndNoValues) {
  const OperatorCall call("aten.special_bessel_j0.default", {}, 1);
  const c10::IValue number(at::ones({2})), shape(at::empty({2}, at::TensorOptions(at::kMeta)));
  EXPECT_THROW(call.run({&number}, at::kCPU), Error);
  EXPECT_EQ(call.run({&shape}, at::kMeta).toTensor().sizes(), at::IntArrayRef({2}));
}

/// What is said of one call; empty where it runs.
std::string complaint(const char* op, const AttrMap& attrs, const std::vector<c10::IValue>& inputs) {
  try {
    OperatorCall(op, attrs, inputs.size()).run(pointers_to(inputs), at::kCPU);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(ArgumentChecks, DivideNoLeastIntegerByMinusOne) {
  const at::Tensor least = at::full({3}, kLeast, at::kLong), one = at::full({3}, -1, at::kLong);
  const at::Tensor narrow = at::full({3}, std::numeric_limits<int32_t>::min(), at::kInt);
  for (const char* op : {"aten.floor_divide.default", "aten.remainder.Tensor", "aten.fmod.Tensor"}) {
    EXPECT_NE(complaint(op, {}, {least, one}).find("least integer"), std::string::npos) << op;
    EXPECT_NE(complaint(op, {}, {narrow, one.to(at::kInt)}).find("least integer"), std::string::npos) << op;
    EXPECT_EQ(complaint(op, {}, {one, one}), "") << op;
    EXPECT_EQ(complaint(op, {}, {least, at::full({3}, 2, at::kLong)}), "") << op;
  }
  EXPECT_NE(complaint("aten.remainder.Scalar", {{"other", Attribute(int64_t{-1})}}, {least}), "");
  EXPECT_EQ(complaint("aten.div.Tensor", {}, {least, one}), "");  // floats
}

TEST(ArgumentChecks, RepeatNothingBeyondAllMeasure) {
  const at::Tensor x = at::ones({2}), often = at::full({2}, std::numeric_limits<int64_t>::max(), at::kLong);
  EXPECT_EQ(complaint("aten.repeat_interleave.self_Tensor", {}, {x, at::full({2}, 3, at::kLong)}), "");
  EXPECT_EQ(complaint("aten.repeat_interleave.self_int", {{"repeats", Attribute(int64_t{3})}}, {x}), "");
  EXPECT_NE(complaint("aten.repeat_interleave.self_Tensor", {}, {x, often}), "");
  EXPECT_NE(complaint("aten.repeat_interleave.Tensor", {}, {often}), "");
}

TEST(ArgumentChecks, StayInMemoryOfTheOperand) {
  const auto seen = [](std::vector<int64_t> size, std::vector<int64_t> stride) {
    const AttrMap attrs{{"size", Attribute(std::move(size))}, {"stride", Attribute(std::move(stride))}};
    try {
      return complaint("aten.as_strided.default", attrs, {at::ones({6})});
    } catch (const c10::Error&) {
      return std::string("torch refuses");
    }
  };
  EXPECT_EQ(seen({2, 3}, {1, 2}), "");
  EXPECT_EQ(seen({7}, {1}), "torch refuses");
  EXPECT_EQ(seen({int64_t{1} << 30}, {int64_t{1} << 30}), "torch refuses");
  EXPECT_NE(seen({2}, {kLeast}), "");
  EXPECT_NE(seen({int64_t{1} << 62}, {4}), "");
}

TEST(ArgumentChecks, WantAStatisticForEachChannel) {
  const AttrMap attrs{{"training", Attribute(false)}, {"momentum", Attribute(0.1)}, {"eps", Attribute(1e-5)}};
  const at::Tensor x = at::ones({2, 4, 3}), whole = at::ones({4}), part = at::ones({1});
  for (const char* op : {"aten.native_batch_norm.default", "aten.batch_norm.default"}) {
    AttrMap given = attrs;
    if (Symbol(op) == Symbol("aten.batch_norm.default")) given.set("cudnn_enabled", Attribute(false));
    EXPECT_EQ(complaint(op, given, {x, whole, whole, whole, whole}), "") << op;
    for (size_t i = 1; i < 5; ++i) {
      std::vector<c10::IValue> inputs{x, whole, whole, whole, whole};
      inputs[i] = part;
      EXPECT_NE(complaint(op, given, inputs).find("4 channels"), std::string::npos) << op << i;
    }
    given.set("training", Attribute(true));
    EXPECT_NE(complaint(op, given, {x, whole, whole, whole, whole}).find("learns"), std::string::npos) << op;
  }
}

TEST(ArgumentChecks, KnowModesFactorsAndDimensions) {
  const at::Tensor x = at::ones({1, 2, 8, 8}), grid = at::zeros({1, 4, 4, 2});
  const auto sampled = [&](int64_t mode, int64_t padding) {
    const AttrMap attrs{{"interpolation_mode", Attribute(mode)},
                        {"padding_mode", Attribute(padding)},
                        {"align_corners", Attribute(false)}};
    return complaint("aten.grid_sampler.default", attrs, {x, grid});
  };
  EXPECT_EQ(sampled(0, 0), "");
  EXPECT_NE(sampled(5, 0), "");
  EXPECT_NE(sampled(0, -2), "");
  const auto pooled = [&](std::vector<int64_t> to) {
    return complaint("aten.adaptive_avg_pool2d.default", {{"output_size", Attribute(std::move(to))}}, {x});
  };
  EXPECT_EQ(pooled({3, 2}), "");
  for (const std::vector<int64_t>& to : std::vector<std::vector<int64_t>>{{3}, {-2, 4}, {1, 2, 3}})
    EXPECT_NE(pooled(to), "");
  const auto resized = [&](int64_t to, double factor) {
    const AttrMap attrs{{"output_size", Attribute(std::vector<int64_t>{to, to})},
                        {"align_corners", Attribute(false)},
                        {"scales_h", Attribute(factor)},
                        {"scales_w", Attribute(factor)}};
    return complaint("aten.upsample_bicubic2d.default", attrs, {x});
  };
  EXPECT_EQ(resized(16, 2.0), "");
  EXPECT_NE(resized(16, 1e-300), "");
  EXPECT_NE(resized(16, 40.0), "");
  const auto transformed = [&](std::vector<int64_t> dims) {
    const AttrMap attrs{
        {"dim", Attribute(std::move(dims))}, {"normalization", Attribute(int64_t{0})}, {"onesided", Attribute(true)}};
    return complaint("aten._fft_r2c.default", attrs, {x});
  };
  EXPECT_EQ(transformed({2, 3}), "");
  for (const std::vector<int64_t>& dims : std::vector<std::vector<int64_t>>{{-1}, {4}, {2, 2}, {}})
    EXPECT_NE(transformed(dims), "");
}

TEST(ArgumentChecks, WantEveryParameterOfARecurrentLayer) {
  const AttrMap attrs{{"has_biases", Attribute(false)},    {"num_layers", Attribute(int64_t{1})},
                      {"dropout", Attribute(0.0)},         {"train", Attribute(false)},
                      {"bidirectional", Attribute(false)}, {"batch_first", Attribute(false)}};
  const at::Tensor x = at::ones({5, 2, 3}), state = at::zeros({1, 2, 4}), in = at::ones({12, 3}),
                   own = at::ones({12, 4});
  const auto with = [&](const Attribute::List& parameters) {
    AttrMap given = attrs;
    given.set("params", Attribute(parameters));
    return complaint("aten.gru.input", given, {x, state, in, own});
  };
  EXPECT_EQ(with({Attribute(InputRef{2}), Attribute(InputRef{3})}), "");
  EXPECT_NE(with({Attribute(InputRef{2})}), "");
}

/// Each bound of docs/bounds.md on arguments: what is at it passes, what is beyond is declined for that reason.
TEST(ArgumentChecks, HoldTheirBounds) {
  using Stack = torch::jit::Stack;
  struct Bound {
    const char* name;
    const char* op;
    int64_t value;
    const char* reason;
    std::function<Stack(int64_t)> with;
  };
  const at::Tensor x = at::ones({1, 1, 2, 2}), square = at::eye(2);
  const auto strided = [&](int64_t n) {
    return Stack{x, std::vector<int64_t>{1}, std::vector<int64_t>{n}, int64_t{0}};
  };
  const auto repeated = [&](int64_t n) { return Stack{x, at::full({1}, n, at::kLong), c10::IValue(), c10::IValue()}; };
  const auto scaled = [&](int64_t n) {
    return Stack{x, c10::IValue(), false, std::vector<double>{static_cast<double>(n) - 0.5, 2.0}};
  };
  const auto layered = [&](int64_t n) {
    const std::vector<at::Tensor> parameters(static_cast<size_t>(2 * n), at::ones({6, 2}));
    const at::Tensor states = at::zeros({n, 2, 2});
    return Stack{at::ones({3, 2, 2}), states, parameters, false, n, 0.0, false, false, false};
  };
  const auto windows = [&](int64_t n) {
    const std::vector<int64_t> ones{1, 1}, none{0, 0};
    return Stack{x, std::vector<int64_t>{n, 1}, ones, none, ones};
  };
  const auto raised = [&](int64_t n) { return Stack{square, n}; };
  const std::vector<Bound> bounds{
      {"kMostStride", "aten.as_strided.default", int64_t{1} << 30, "strides", strided},
      {"kMostRepeats", "aten.repeat_interleave.self_Tensor", int64_t{1} << 31, "room", repeated},
      {"kMostScaling", "aten.upsample_bilinear2d.vec", 1'000'000, "factor makes", scaled},
      {"kMostLayers", "aten.gru.input", 1024, "too many", layered},
      {"kMostOfWindow", "aten.im2col.default", int64_t{1} << 30, "windows", windows},
      {"kMostPower", "aten.matrix_power.default", int64_t{1} << 16, "power", raised},
  };
  for (const Bound& bound : bounds) {
    const ArgumentCheck check = find_argument_check(bound.op);
    ASSERT_NE(check, nullptr) << bound.name;
    EXPECT_TRUE(check(bound.with(bound.value))) << bound.name << ": " << check(bound.with(bound.value)).reason();
    EXPECT_NE(check(bound.with(bound.value + 1)).reason().find(bound.reason), std::string::npos) << bound.name;
  }
}

/// Whatever the operator makes of its first argument, be it a number of the file or an axis that has no end.
TEST(OperatorCall, MakesSoManyPartsAndNoMore) {
  struct Case {
    const char* op;
    std::function<AttrMap(int64_t)> attrs;
    bool is_long;  ///< whether the axis is as long as there are parts
  };
  const std::vector<Case> cases{
      {"aten.tensor_split.sections", [](int64_t n) { return AttrMap{{"sections", Attribute(n)}}; }, false},
      {"aten.unbind.int", [](int64_t) { return AttrMap{}; }, true},
      {"aten.split.Tensor", [](int64_t) { return AttrMap{{"split_size", Attribute(int64_t{1})}}; }, true},
      {"aten.unsafe_split.Tensor", [](int64_t) { return AttrMap{{"split_size", Attribute(int64_t{1})}}; }, true},
      {"aten.chunk.default", [](int64_t n) { return AttrMap{{"chunks", Attribute(n)}}; }, true},
      {"aten.split_with_sizes.default",
       [](int64_t n) { return AttrMap{{"split_sizes", Attribute(std::vector<int64_t>(static_cast<size_t>(n), 1))}}; },
       true},
  };
  for (const Case& made : cases) {
    const auto complaint_at = [&](int64_t n) {
      return complaint(made.op, made.attrs(n), {at::ones({1}).expand({made.is_long ? n : 2})});
    };
    EXPECT_EQ(complaint_at(kMostParts), "") << made.op;
    EXPECT_NE(complaint_at(kMostParts + 1).find("tensors of one"), std::string::npos) << made.op;
  }
  const auto by_tensor = [&](int64_t n) {
    return complaint("aten.tensor_split.tensor_indices_or_sections", {},
                     {at::ones({2}), at::scalar_tensor(n, at::kLong)});
  };
  EXPECT_EQ(by_tensor(kMostParts), "");
  EXPECT_NE(by_tensor(int64_t{1} << 40).find("tensors of one"), std::string::npos);
}

TEST(ArgumentChecks, AreNotAskedWithoutElements) {
  const at::Tensor whole = at::empty({4}, at::TensorOptions(at::kLong).device(at::kMeta));
  EXPECT_TRUE(find_argument_check("aten.remainder.Tensor")({whole, whole}));
  EXPECT_TRUE(find_argument_check("aten.remainder.Tensor")({at::empty({0}, at::kLong), int64_t{-1}}));
  EXPECT_EQ(find_argument_check("aten.relu.default"), nullptr);
}

TEST(OperatorCall, TakesInputsOfTheKindThatTheArgumentIs) {
  const c10::IValue x(at::ones({2, 3}));
  const auto summed = [&](const c10::IValue& dim) {
    return complaint("aten.softmax.int", {{"dim", Attribute(InputRef{1})}}, {x, dim});
  };
  EXPECT_EQ(summed(int64_t{1}), "");
  EXPECT_NE(summed(1.0), "");
  EXPECT_NE(summed(x), "");
  EXPECT_NE(complaint("aten.relu.default", {}, {at::Tensor()}), "");
  EXPECT_EQ(complaint("aten.leaky_relu.default", {{"negative_slope", Attribute(InputRef{1})}}, {x, int64_t{1}}), "");
}

}  // namespace
}  // namespace graftwork::core::testing
