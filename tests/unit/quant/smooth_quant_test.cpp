// SmoothQuant: the function stays, the factors are those of the formula, and what is refused has its reason.
#include "graftwork/quant/rescaling/smooth_quant.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/quant/channel_amax.h"
#include "graftwork/quant/rescaling/operand_rounding.h"
#include "graftwork/quant/rescaling/outlier_channels.h"
#include "graftwork/quant/rescaling/product_error.h"
#include "unit/quant/memory_samples.h"
#include "unit/quant/rescaled_network.h"

namespace graftwork::core::testing {
namespace {

constexpr const char* kLinear = "{in_features=32, out_features=32}";

std::string head_of(const char* name) {
  return cat("  %", name, "l = nn.Linear @", name, "(%n) ", kLinear, "\n  %", name, "v = aten.view.default(%", name,
             "l) {size=[1, 6, 2, 16]}\n  %", name, " = aten.transpose.int(%", name, "v) {dim0=1, dim1=2}\n");
}

/// Attention over a norm, of separate projections, with `middle` in front of the last layer.
std::string attention(const std::string& middle) {
  return cat("graph(%x: f32[1, 6, 32]) {\n  %n = nn.LayerNorm @norm(%x) {normalized_shape=[32]}\n", head_of("q"),
             head_of("k"), head_of("v"),
             "  %t = aten.transpose.int(%k) {dim0=-2, dim1=-1}\n  %s = aten.matmul.default(%q, %t)\n"
             "  %m = aten.mul.Scalar(%s) {other=0.25}\n  %p = aten.softmax.int(%m) {dim=-1}\n"
             "  %a = aten.matmul.default(%p, %v)\n  %b = aten.transpose.int(%a) {dim0=1, dim1=2}\n"
             "  %c = aten.view.default(%b) {size=[1, 6, 32]}\n",
             middle, "  return %y\n}\n");
}

std::string network_with_norm(const std::string& rest) {
  return cat("graph(%x: f32[1, 6, 32]) {\n  %n = nn.LayerNorm @norm(%x) {normalized_shape=[32]}\n", rest, "}\n");
}

struct Smoothed {
  Network network;
  std::vector<SmoothedPair> pairs;
};

Smoothed smooth(const Network& network, SmoothingStrength alpha, QuantConfig config,
                const SmoothingList& patterns = tensorrt_backend().smoothings) {
  config.smooth_quant.emplace().alpha = alpha;
  Smoothed result{network.clone(), {}};
  const StubPlan plan = plan_stubs(network.module, config, tensorrt_backend());
  result.pairs = smooth_quant(result.network, plan, MemorySamples(samples_of(network)), config, patterns, {});
  return result;
}

Smoothed smooth(const Network& network, SmoothingStrength alpha, ModulesToSkip skip = {}) {
  QuantConfig config;
  config.skip = std::move(skip);
  return smooth(network, alpha, config);
}

std::string moved(const std::vector<SmoothedPair>& pairs) {
  std::vector<std::string> lines;
  for (const SmoothedPair& pair : pairs) {
    std::string readers;
    for (const Symbol reader : pair.readers) readers += " " + reader.str();
    lines.push_back(pair.source.str() + (pair.refusal.empty() ? ":" + readers : ": " + pair.refusal));
  }
  return join(lines);
}

TEST(ChannelAmax, IsTheLargestMagnitudeWhateverTheParts) {
  const at::Tensor x = random_tensor({DType::kF32, {Dim(9), Dim(3), Dim(4)}}, 1);
  ChannelAmax whole, left, right;
  whole.add(x, 1);
  for (int64_t i = 0; i < 9; ++i) (i % 2 == 0 ? left : right).add(x[i].unsqueeze(0), -2);
  left.merge(right);
  left.merge(ChannelAmax());
  EXPECT_TRUE(at::equal(whole.value(), x.abs().amax(std::vector<int64_t>{0, 2})));
  EXPECT_TRUE(at::equal(left.value(), whole.value()));
  EXPECT_THROW(left.add(x.slice(1, 0, 2), 1), Error);
}

TEST(SmoothQuant, KeepsTheFunction) {
  const std::pair<const char*, std::string> cases[] = {
      {"two readers", network_with_norm(cat("  %a = nn.Linear @a(%n) ", kLinear, "\n  %b = nn.Linear @b(%n) ", kLinear,
                                            "\n  return %a, %b\n"))},
      {"no affine parameters",
       "graph(%x: f32[1, 6, 32]) {\n  %n = nn.LayerNorm @norm(%x) {normalized_shape=[32], weight=none, bias=none}\n"
       "  %a = nn.Linear @a(%n) {in_features=32, out_features=8, bias=none}\n  return %a\n}\n"},
      {"RMS norm",
       "graph(%x: f32[1, 6, 32]) {\n  %n = nn.RMSNorm @norm(%x) {normalized_shape=[32]}\n"
       "  %a = nn.Linear @a(%n) {in_features=32, out_features=8}\n  return %a\n}\n"},
      {"a convolution of groups behind a turned map",
       "graph(%x: f32[1, 4, 4, 8]) {\n  %n = nn.LayerNorm @norm(%x) {normalized_shape=[8]}\n"
       "  %t = aten.permute.default(%n) {dims=[0, 3, 1, 2]}\n"
       "  %a = nn.Conv2d @a(%t) {in_channels=8, out_channels=16, kernel_size=[2, 2], groups=2}\n  return %a\n}\n"},
      {"one token", network_with_norm("  %c = aten.select.int(%n) {dim=1, index=0}\n"
                                      "  %a = nn.Linear @a(%c) {in_features=32, out_features=8}\n  return %a\n")},
      {"all tokens in a row", network_with_norm("  %c = aten.view.default(%n) {size=[1, 192]}\n"
                                                "  %a = nn.Linear @a(%c) {in_features=192, out_features=8}\n"
                                                "  return %a\n")},
      {"attention", attention(cat("  %y = nn.Linear @out(%c) ", kLinear, "\n"))},
  };
  for (const auto& [what, text] : cases) {
    const Network network = transformed(text);
    for (const SmoothingStrength alpha : {SmoothingStrength(0.5), SmoothingStrength(1.0), SmoothingStrength()}) {
      const Smoothed result = smooth(network, alpha);
      for (const SmoothedPair& pair : result.pairs) EXPECT_EQ(pair.refusal, "") << what;
      EXPECT_EQ(result.pairs.size(), std::string(what) == "attention" ? 2U : 1U) << what;
      EXPECT_LT(function_moved(network, result.network), 1e-5) << what;
      EXPECT_GT(result.pairs.front().largest, result.pairs.front().smallest) << what;
    }
  }
}

TEST(SmoothQuant, LeavesTheTensorsOfTheInputAlone) {
  const Network network = transformed(attention(cat("  %y = nn.Linear @out(%c) ", kLinear, "\n")));
  std::map<std::string, at::Tensor> before;
  for (const auto& [name, tensor] : network.tensors) before.emplace(name, tensor.clone());
  const Smoothed result = smooth(network, 0.5);
  for (const auto& [name, tensor] : before) {
    EXPECT_TRUE(at::equal(network.tensors.at(name), tensor)) << name;
    EXPECT_TRUE(result.network.tensors.at(name).is_same(network.tensors.at(name))) << name << " is a copy";
  }
  EXPECT_GT(result.network.tensors.size(), before.size()) << "new ones hold the factors";
}

TEST(SmoothQuant, TakesTheFactorsOfTheFormula) {
  const Network network = transformed(network_with_norm(
      cat("  %a = nn.Linear @a(%n) ", kLinear, "\n  %b = nn.Linear @b(%n) ", kLinear, "\n  return %a, %b\n")));
  const at::Tensor a = network.tensors.at("a.weight"), b = network.tensors.at("b.weight");
  network.tensors.at("norm.weight").data()[3] = 0;  // a channel without values
  network.tensors.at("norm.bias").data()[3] = 0;
  const at::Tensor x =
      at::layer_norm(samples_of(network), {32}, network.tensors.at("norm.weight"), network.tensors.at("norm.bias"));
  const at::Tensor amax = x.abs().amax(std::vector<int64_t>{0, 1});
  const at::Tensor weights = at::maximum(a.abs().amax(0), b.abs().amax(0));
  at::Tensor expected = amax.pow(0.7) / weights.pow(0.3);
  expected[3] = 1;
  const Smoothed result = smooth(network, 0.7);
  EXPECT_TRUE(at::allclose(result.pairs.front().channel_amax, amax, 1e-5, 1e-6));
  const ModuleTable& modules = result.network.module.modules();
  const at::Tensor moved = evaluate(*modules[modules.find("a")].param("weight"), result.network.tensors);
  EXPECT_LT(relative_difference(moved, a * expected), 1e-5);
  const at::Tensor norm = evaluate(*modules[modules.find("norm")].param("bias"), result.network.tensors);
  EXPECT_LT(relative_difference(norm, network.tensors.at("norm.bias") / expected), 1e-5);
  EXPECT_NEAR(result.pairs.front().largest, expected.max().item<double>(), 1e-5 * expected.max().item<double>());
}

TEST(SmoothQuant, SaysWhatIsInTheWay) {
  const std::string linear = cat("  %a = nn.Linear @a(%n) ", kLinear, "\n");
  const std::pair<std::string, std::string> cases[] = {
      {network_with_norm(linear + "  %s = aten.add.Tensor(%n, %a)\n  return %s\n"),
       "norm: %s = aten.add.Tensor reads it, which is no layer"},
      {network_with_norm(linear + "  return %a, %n\n"), "norm: it is a result of the network"},
      {network_with_norm(linear + "  %g = nn.GELU @g(%n)\n  return %a, %g\n"),
       "norm: %g = nn.GELU reads it, which is no layer"},
      {network_with_norm(linear + "  %j = aten.cat.default(%n, %a) {dim=-1}\n  return %j\n"),
       "norm: %j = aten.cat.default joins it with others"},
      {network_with_norm(linear + "  %j = aten.cat.default(%n, %a) {dim=1}\n  return %j\n"),
       "norm: %j = aten.cat.default joins it with what it is no factor of"},
      {network_with_norm("  %g = nn.GELU @g(%n)\n  return %g\n"), "norm: %g = nn.GELU reads it, which is no layer"},
      {network_with_norm("  %t = aten.view.default(%n) {size=[1, 24, 8]}\n"
                         "  %a = nn.Linear @a(%t) {in_features=8, out_features=8}\n  return %a\n"),
       "norm: %fused_linear_0 = nn.Linear sums up places of one channel with different factors"},
      {network_with_norm(linear + "  %b = nn.Linear @a(%a)\n  return %b\n"), "norm: a is called elsewhere too"},
      {network_with_norm(linear + "  %o = nn.LayerNorm @norm(%a)\n" +
                         cat("  %b = nn.Linear @b(%o) ", kLinear, "\n  return %b\n")),
       "norm: norm is called elsewhere too, norm: norm is called elsewhere too"},
  };
  for (const auto& [text, expected] : cases) {
    const Network network = transformed(text);
    const Smoothed result = smooth(network, 0.5);
    EXPECT_EQ(moved(result.pairs), expected);
    EXPECT_EQ(function_moved(network, result.network), 0);
  }
}

TEST(SmoothQuant, SmoothsAttentionThatNothingElseReads) {
  const Network network = transformed(attention(cat("  %y = nn.Linear @out(%c) ", kLinear, "\n")));
  EXPECT_EQ(moved(smooth(network, 0.5).pairs).substr(0, 6), "norm: ");
  const std::string with_sum = cat("  %o = nn.Linear @out(%c) ", kLinear, "\n  %y = aten.add.Tensor(%o, %c)\n");
  const Smoothed refused = smooth(transformed(attention(with_sum)), 0.5);
  ASSERT_EQ(refused.pairs.size(), 2U);
  EXPECT_EQ(refused.pairs[1].refusal, "%y = aten.add.Tensor reads it, which is no layer");
}

TEST(SmoothQuant, SmoothsWhatTheListNames) {
  const Network network = transformed(attention(cat("  %y = nn.Linear @out(%c) ", kLinear, "\n")));
  const SmoothingList& all = tensorrt_backend().smoothings;
  ASSERT_EQ(all.size(), 2U);
  const Smoothed norm = smooth(network, 0.5, QuantConfig(), {all[0]}),
                 inside = smooth(network, 0.5, QuantConfig(), {all[1]});
  ASSERT_EQ(norm.pairs.size(), 1U);
  ASSERT_EQ(inside.pairs.size(), 1U);
  EXPECT_EQ(norm.pairs[0].source, Symbol("norm"));
  EXPECT_NE(inside.pairs[0].source, Symbol("norm"));
  EXPECT_TRUE(smooth(network, 0.5, QuantConfig(), {}).pairs.empty());
}

TEST(SmoothQuant, SkipsWhatTheRecipeNames) {
  const Network network = transformed(attention(cat("  %y = nn.Linear @out(%c) ", kLinear, "\n")));
  for (const char* entry : {"norm", "nn.LayerNorm", "FusedLayerNorm_0"})
    EXPECT_EQ(smooth(network, 0.5, {{}, {}, {entry}}).pairs[0].refusal, "skipped by the recipe") << entry;
  for (const char* entry : {"out", "FusedScaledDotProductAttention", "FusedLinear_*"})
    EXPECT_EQ(smooth(network, 0.5, {{}, {}, {entry}}).pairs[1].refusal, "skipped by the recipe") << entry;
  EXPECT_THROW(smooth(network, 0.5, {{}, {}, {"nn.GroupNorm"}}), Error);
  EXPECT_EQ(smooth(network, 0.5, {{"FusedMHAInProjection"}, {"FusedMHAInProjection"}, {}}).pairs[0].refusal,
            "no quantized layer reads it");
}

Network with_two_readers() {
  Network network = transformed(network_with_norm(
      cat("  %a = nn.Linear @a(%n) ", kLinear, "\n  %b = nn.Linear @b(%n) ", kLinear, "\n  return %a, %b\n")));
  network.tensors.at("norm.weight").data()[7] *= 30;
  network.tensors.at("b.weight").mul_(20);
  return network;
}

PolicyRule rule_for(const char* name, const LayerFormat& format) { return {name, {}, {}, format}; }

/// What the weight of a layer is multiplied by.
at::Tensor factors_of(const Smoothed& smoothed, const Network& network, const char* layer) {
  const ModuleTable& modules = smoothed.network.module.modules();
  const at::Tensor moved = evaluate(*modules[modules.find(layer)].param("weight"), smoothed.network.tensors);
  return (moved / network.tensors.at(std::string(layer) + ".weight"))[0];
}

TEST(SmoothQuant, AsksOnlyReadersThatAreQuantized) {
  const Network network = with_two_readers();
  QuantConfig config;
  config.rules = {rule_for("b", {std::nullopt, std::nullopt})};
  const Smoothed smoothed = smooth(network, 0.6, config);
  const at::Tensor x =
      at::layer_norm(samples_of(network), {32}, network.tensors.at("norm.weight"), network.tensors.at("norm.bias"));
  const at::Tensor expected =
      x.abs().amax(std::vector<int64_t>{0, 1}).pow(0.6) / network.tensors.at("a.weight").abs().amax(0).pow(0.4);
  EXPECT_LT(relative_difference(factors_of(smoothed, network, "a"), expected), 1e-5);
  EXPECT_LT(relative_difference(factors_of(smoothed, network, "b"), expected), 1e-5);
  EXPECT_LT(function_moved(network, smoothed.network), 1e-5);
  config.rules.push_back(rule_for("a", {std::nullopt, std::nullopt}));
  EXPECT_EQ(smooth(network, 0.6, config).pairs[0].refusal, "no quantized layer reads it");
}

/// Whether the recipe or a rule brings the layers to it.
TEST(SmoothQuant, SearchesWithThePrecisionOfTheLayers) {
  const Network network = with_two_readers();
  const at::Tensor in_int8 = factors_of(smooth(network, {}, QuantConfig()), network, "a");
  for (const Precision precision : {Precision::kFp8, Precision::kInt4, Precision::kInt16}) {
    QuantConfig whole, by_rules;
    whole.activation.precision = whole.weight.precision = precision;
    by_rules.rules = {rule_for("*", {precision, precision})};
    const at::Tensor expected = factors_of(smooth(network, {}, whole), network, "a");
    EXPECT_TRUE(at::equal(factors_of(smooth(network, {}, by_rules), network, "a"), expected)) << title_of(precision);
    EXPECT_FALSE(at::equal(expected, in_int8)) << title_of(precision);
  }
}

TEST(SmoothQuant, SearchesWithMinMaxInFp8) {
  const Network network = with_two_readers();
  QuantConfig least_squares, minmax;
  for (QuantConfig* config : {&least_squares, &minmax}) {
    config->activation.precision = config->weight.precision = Precision::kFp8;
    config->activation.calibration_method = CalibrationMethod::kMse;
  }
  minmax.activation.calibration_method = CalibrationMethod::kMinMax;
  EXPECT_TRUE(at::equal(factors_of(smooth(network, {}, least_squares), network, "a"),
                        factors_of(smooth(network, {}, minmax), network, "a")));
}

/// Weights in blocks are read by floats, whatever the recipe says of other layers.
TEST(ProductError, OfWeightsInBlocksRoundsNoActivation) {
  const Network network = transformed(
      "graph(%x: f32[4, 256]) {\n  %a = nn.Linear @a(%x) {in_features=256, out_features=32}\n  return %a\n}\n");
  QuantConfig config;
  config.rules = {rule_for("a", {std::nullopt, Precision::kInt4, 64})};
  const StubPlan plan = plan_stubs(network.module, config, tensorrt_backend());
  const OperandRounding rounding = rounding_by(plan, network.module.modules(), plan.weights.at(0).module, "a", config);
  EXPECT_FALSE(rounding.activation);
  ASSERT_TRUE(rounding.weight);
  EXPECT_EQ(rounding.weight->precision, Precision::kInt4);
  EXPECT_EQ(rounding.weight->block_size, 64);
}

Network with_outlier() {
  Network network = transformed(
      "graph(%x: f32[1, 16, 32]) {\n  %a = nn.Linear @a(%x) {in_features=32, out_features=64}\n"
      "  %g = nn.GELU @g(%a)\n  %b = nn.Linear @b(%g) {in_features=64, out_features=32}\n  return %b\n}\n");
  network.tensors.at("a.weight").data()[7] *= 200;
  return network;
}

TEST(OutlierChannels, AreDividedWhereThatWins) {
  const Network network = with_outlier();
  const QuantConfig config;
  Network divided = network.clone();
  StubPlan plan = plan_stubs(network.module, config, tensorrt_backend());
  const std::vector<DividedTensor> found =
      divide_outlier_channels(divided, plan, MemorySamples(samples_of(network)), config, {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].source, Symbol());
  EXPECT_GT(found[0].factors.max().item<double>(), 20);
  EXPECT_GT(found[0].gained_db, 5);
  EXPECT_EQ(plan.stubs[1].tensor, node_named(divided.module, plan.stubs[1].tensor).name());
  EXPECT_EQ(node_named(divided.module, plan.stubs[1].tensor).op(), Symbol("ChannelScale"));
  EXPECT_LT(function_moved(network, divided), 1e-5);
}

TEST(OutlierChannels, AreDividedByWhatMakesThem) {
  const Network network = transformed(
      "graph(%x: f32[1, 4, 9, 9]) {\n"
      "  %a = nn.Conv2d @a(%x) {in_channels=4, out_channels=16, kernel_size=[3, 3], padding=[1, 1]}\n"
      "  %n = nn.BatchNorm2d @n(%a) {num_features=16}\n  %r = nn.ReLU @r(%n)\n"
      "  %b = nn.Conv2d @b(%r) {in_channels=16, out_channels=8, kernel_size=[3, 3]}\n  return %b\n}\n");
  network.tensors.at("n.weight").data()[7] *= 50;
  QuantConfig config;
  config.activation.outlier_channels = OutlierChannels::kDivide;
  Network divided = network.clone();
  StubPlan plan = plan_stubs(network.module, config, tensorrt_backend());
  const std::vector<DividedTensor> found =
      divide_outlier_channels(divided, plan, MemorySamples(samples_of(network)), config, {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].source, Symbol("n"));
  EXPECT_EQ(found[0].readers, std::vector<Symbol>{"b"});
  EXPECT_GT(found[0].gained_db, 5);
  EXPECT_EQ(divided.module.graph().size(), network.module.graph().size()) << "no node of its own";
  EXPECT_LT(function_moved(network, divided), 1e-5);
}

TEST(OutlierChannels, AreDividedBySomeoneElsesFactors) {
  const Network network = with_outlier();
  const StubPlan planned = plan_stubs(network.module, {}, tensorrt_backend());
  Network divided = network.clone(), again = network.clone();
  StubPlan plan = planned, other = planned;
  const std::vector<DividedTensor> found =
      divide_outlier_channels(divided, plan, MemorySamples(samples_of(network)), {}, {});
  ASSERT_EQ(found.size(), 1U);
  const std::map<Symbol, ChannelFactors> factors{{found[0].tensor, sparse(found[0].factors)}};
  const std::vector<DividedTensor> same = divide_channels_by(again, other, factors);
  ASSERT_EQ(same.size(), 1U);
  EXPECT_EQ(same[0].readers, found[0].readers);
  EXPECT_EQ(print(again.module), print(divided.module));
  EXPECT_EQ(other.stubs[1].tensor, plan.stubs[1].tensor);
  EXPECT_EQ(function_moved(divided, again), 0);
  for (const std::map<Symbol, ChannelFactors>& wrong :
       {std::map<Symbol, ChannelFactors>{{"nobody", sparse(found[0].factors)}},
        {{found[0].tensor, {63, {{1, 2.0}}}}}}) {
    Network untouched = network.clone();
    StubPlan third = planned;
    EXPECT_THROW(divide_channels_by(untouched, third, wrong), Error);
    EXPECT_EQ(print(untouched.module), print(network.module));
  }
}

/// A module of the network may have the name that a factor would get.
TEST(OutlierChannels, TakeNoNameThatIsThere) {
  Network network = with_outlier();
  const StubPlan planned = plan_stubs(network.module, {}, tensorrt_backend());
  const std::string taken = planned.stubs[1].tensor.str() + ".channel_scale.weight";
  const at::Tensor own = at::ones({3});
  network.tensors.set(taken, own);
  StubPlan plan = planned;
  Network divided = network.clone();
  ASSERT_EQ(divide_outlier_channels(divided, plan, MemorySamples(samples_of(network)), {}, {}).size(), 1U);
  EXPECT_TRUE(divided.tensors.at(taken).is_same(own));
  EXPECT_LT(function_moved(network, divided), 1e-5);
}

TEST(ProductError, KnowsRowsThatLieApart) {
  const at::Tensor rows = random_tensor({DType::kF32, {Dim(64), Dim(16)}}, 3);
  rows[1] *= 1000;  // in front of the second of those that are taken
  const at::Tensor apart = rows.slice(0, 0, std::nullopt, 2);
  const ActivationQuantConfig config;
  EXPECT_TRUE(at::equal(activation_errors(apart, {}, config), activation_errors(apart.contiguous(), {}, config)));
  rows[2][3] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(activation_errors(rows, {}, config).sum().item<float>()));
}

TEST(OutlierChannels, AreKeptWhereFewRowsTellOfThem) {
  Network network = transformed(
      "graph(%x: f32[1, 32]) {\n  %a = nn.Linear @a(%x) {in_features=32, out_features=64}\n"
      "  %g = nn.GELU @g(%a)\n  %b = nn.Linear @b(%g) {in_features=64, out_features=32}\n  return %b\n}\n");
  network.tensors.at("a.weight").data()[7] *= 200;
  StubPlan plan = plan_stubs(network.module, {}, tensorrt_backend());
  EXPECT_TRUE(divide_outlier_channels(network, plan, MemorySamples(samples_of(network)), {}, {}).empty());
}

TEST(OutlierChannels, StayWhereDividingWinsLittle) {
  Network network = with_outlier();
  network.tensors.at("a.weight").data()[7] /= 200;
  Network same = network.clone();
  const QuantConfig config;
  StubPlan plan = plan_stubs(network.module, config, tensorrt_backend());
  EXPECT_TRUE(divide_outlier_channels(same, plan, MemorySamples(samples_of(network)), config, {}).empty());
}

}  // namespace
}  // namespace graftwork::core::testing
