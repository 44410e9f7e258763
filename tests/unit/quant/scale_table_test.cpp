// Scale tables: the printed form, and quantizing by one.
#include "graftwork/quant/scale_table.h"

#include <gtest/gtest.h>

#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/quant/scales.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

ScaleTable a_table() {
  ScaleTable table;
  table.samples = 12;
  table.float_type = DType::kF32;
  StubScale stub;
  stub.stub = "quant_stub_0";
  stub.tensor = "a \"b\"\n%";
  stub.scale = std::nextafter(0.1F, 1.0F);
  stub.min = -std::numeric_limits<float>::denorm_min();
  stub.max = std::numeric_limits<float>::max();
  stub.method = "mse";
  stub.clipped = 0.25;
  table.stubs.push_back(stub);
  table.weights.push_back({"conv", "FusedConvBN_0", "minmax", {1e-7F, 16777216.0F, 0.1F}});
  table.wide["%x"] = "it reaches 1e+06";
  table.means["x"] = {0.1, -1e-300, 3};
  return table;
}

TEST(ScaleTable, IsReadAsItself) {
  const std::string text = scale_table_text(a_table());
  const ScaleTable read = parse_scale_table(text);
  EXPECT_EQ(scale_table_text(read), text);
  EXPECT_EQ(read.samples, 12);
  EXPECT_EQ(read.float_type, DType::kF32);
  ASSERT_EQ(read.stubs.size(), 1U);
  const StubScale &line = read.stubs[0], expected = a_table().stubs[0];
  EXPECT_EQ(line.tensor, expected.tensor);
  EXPECT_EQ(line.scale, expected.scale);
  EXPECT_EQ(line.min, expected.min);
  EXPECT_EQ(line.max, expected.max);
  EXPECT_EQ(line.clipped, expected.clipped);
  EXPECT_EQ(read.weights.at(0).scales, a_table().weights[0].scales);
  EXPECT_EQ(read.wide, a_table().wide);
  EXPECT_EQ(read.means, a_table().means);
}

TEST(ScaleTable, EscapesWhatNobodySees) {
  ScaleTable table = a_table();
  table.stubs[0].tensor = "a\u202e\u200b\u007fé";
  table.weights[0].layer = "\U000e0041";
  const std::string text = scale_table_text(table);
  EXPECT_EQ(visible(text, true), text);
  EXPECT_NE(text.find("a\\u202e\\u200b\\u007fé"), std::string::npos) << text;
  const ScaleTable read = parse_scale_table(text);
  EXPECT_EQ(read.stubs[0].tensor, table.stubs[0].tensor);
  EXPECT_EQ(read.weights[0].layer, table.weights[0].layer);
}

TEST(ScaleTable, HasALineForEachTensorInShortestNumbers) {
  EXPECT_EQ(
      scale_table_text(a_table()),
      "{\"format\":1,\"samples\":12,\"float\":\"fp32\"}\n"
      "{\"stub\":\"quant_stub_0\",\"tensor\":\"a \\\"b\\\"\\n%\",\"scale\":0.10000001,\"min\":-1e-45,"
      "\"max\":3.4028235e+38,\"method\":\"mse\",\"clipped\":0.25}\n"
      "{\"weight\":\"conv\",\"module\":\"FusedConvBN_0\",\"method\":\"minmax\",\"scales\":[1e-07,16777216.0,0.1]}\n"
      "{\"fp32\":\"%x\",\"reason\":\"it reaches 1e+06\"}\n"
      "{\"mean\":\"x\",\"channels\":[0.1,-1e-300,3.0]}\n");
}

const char* const kHead = "{\"format\": 1, \"samples\": 1, \"float\": \"fp16\"}\n";

TEST(ScaleTable, MayBeWrittenByHand) {
  const ScaleTable table = parse_scale_table(
      std::string(kHead) + "\n  \t\n{\"stub\": \"s\", \"tensor\": \"x\", \"scale\": 1}\n{\"fp32\": \"y\"}\r\n");
  EXPECT_EQ(table.stub("s")->scale, 1);
  EXPECT_EQ(table.stub("t"), nullptr);
  EXPECT_TRUE(table.wide.contains("y"));
}

TEST(ScaleTable, RefusesWithTheLine) {
  const std::string head = kHead, stub = "{\"stub\": \"s\", \"tensor\": \"x\", \"scale\": ";
  for (const auto& [text, code, line] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"", "scales.json", ""},
           {"\n\n", "scales.json", ""},
           {"[]\n", "scales.value", "line 1"},
           {"{\"format\": 2, \"samples\": 1, \"float\": \"fp16\"}", "scales.value", "line 1"},
           {"{\"format\": 1, \"samples\": -1, \"float\": \"fp16\"}", "scales.value", "line 1"},
           {"{\"format\": 1, \"samples\": 1, \"float\": \"int8\"}", "scales.value", "line 1"},
           {head + "nonsense", "scales.json", "line 2"},
           {head + "[\"stub\"]", "scales.key", "line 2"},
           {head + "{\"stab\": \"s\"}", "scales.key", "line 2"},
           {head + stub + "0}", "scales.value", "line 2"},
           {head + stub + "-1}", "scales.value", "line 2"},
           {head + stub + "1e39}", "scales.value", "line 2"},
           {head + stub + "\"1\"}", "scales.value", "line 2"},
           {head + stub + "1, \"max\": 1e39}", "scales.value", "line 2"},
           {head + stub + "1, \"scal\": 1}", "scales.key", "line 2"},
           {head + "{\"stub\": \"s\", \"tensor\": \"x\"}", "scales.value", "line 2"},
           {head + stub + "1}\n" + stub + "1}", "scales.value", "line 3"},
           {head + "{\"weight\": \"w\", \"module\": \"m\", \"scales\": [1, 0]}", "scales.value", "line 2"},
           {head + "{\"weight\": \"w\", \"module\": \"m\", \"scales\": 1}", "scales.value", "line 2"},
           {head + "{\"mean\": \"x\", \"channels\": [1]}\n{\"mean\": \"x\"}", "scales.value", "line 3"},
           {head + "{\"fp32\": \"x\"}\n{\"fp32\": \"x\"}", "scales.value", "line 3"},
           {head + "{\"mean\": \"x\", \"channels\": [null]}", "scales.value", "line 2"}}) {
    try {
      parse_scale_table(text);
      ADD_FAILURE() << text << " was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << text;
      EXPECT_TRUE(line.empty() || error.report().find("at  " + line) != std::string::npos) << error.report();
    }
  }
}

TEST(FoldedWeightScales, GiveTheSameScalesAgain) {
  const at::Tensor raw = random_tensor({DType::kF32, {Dim(4000)}}, 1).abs().to(at::kDouble) * 1e-2;
  const at::Tensor factor = random_tensor({DType::kF64, {Dim(4000)}}, 2);
  for (const DType type : {DType::kF32, DType::kF16}) {
    for (const double size : {1.0, 1e-3}) {  // many are below FP16's normal numbers
      const at::Tensor scales = exported_weight_scales(raw * size, factor, type);
      const at::Tensor folded = folded_weight_scales(scales, factor, type);
      EXPECT_TRUE(at::equal(exported_weight_scales(unfolded_weight_scales(folded, factor), factor, type), scales));
    }
  }
}

Network small_network() {
  Network network = network_of(
      "graph(%x: f32[s0, 3, 5, 5]) {\n  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], "
      "bias=none}\n"
      "  %b = nn.BatchNorm2d @bn(%c) {num_features=4}\n  %r = nn.ReLU @act(%b)\n"
      "  %d = nn.Conv2d @last(%r) {in_channels=4, out_channels=2, kernel_size=[3, 3]}\n  return %d\n}\n");
  network.module = transform(network.module).model;
  return network;
}

const MemorySamples& none() {
  static const MemorySamples samples(at::zeros({0, 3, 5, 5}));
  return samples;
}

MemorySamples some() { return MemorySamples(random_tensor({DType::kF32, {Dim(6), Dim(3), Dim(5), Dim(5)}}, 7)); }

QuantizationResult quantized(const SampleSource& samples, std::optional<ScaleTable> scales, DType type) {
  QuantizeOptions options;
  options.float_type = type;
  options.scales = std::move(scales);
  return quantize(small_network(), samples, {}, options);
}

TEST(QuantizeByScaleTable, GivesTheSameTensorsWithoutData) {
  for (const DType type : {DType::kF32, DType::kF16}) {
    const QuantizationResult first = quantized(some(), {}, type);
    EXPECT_EQ(first.scales.stubs.size(), 2U);
    EXPECT_EQ(first.scales.weights.size(), 2U);
    const QuantizationResult again = quantized(none(), parse_scale_table(scale_table_text(first.scales)), type);
    EXPECT_EQ(scale_table_text(again.scales), scale_table_text(first.scales));
    EXPECT_EQ(again.samples, 6);
    EXPECT_EQ(again.corrected_biases, first.corrected_biases);
    ASSERT_EQ(again.network.tensors.size(), first.network.tensors.size());
    for (const auto& [name, tensor] : first.network.tensors)
      EXPECT_TRUE(at::equal(again.network.tensors.at(name), tensor)) << name;
  }
}

TEST(QuantizeByScaleTable, TakesEditsAndCalibratesTheRest) {
  ScaleTable table = quantized(some(), {}, DType::kF32).scales;
  const float other = table.stubs[1].scale;
  table.stubs.erase(table.stubs.begin() + 1);
  table.stubs[0].scale = 0.5F;
  table.weights[1].scales[1] = 0.25F;
  const QuantizationResult result = quantized(some(), table, DType::kF32);
  EXPECT_EQ(result.network.tensors.at("quant_stub_0.scale").item<float>(), 0.5F);
  EXPECT_EQ(result.network.tensors.at("quant_stub_1.scale").item<float>(), other);
  EXPECT_EQ(result.scales.weights.at(1).scales.at(1), 0.25F);
}

std::string why_not(const ScaleTable& table, DType type = DType::kF32) {
  try {
    quantized(none(), table, type);
  } catch (const Error& error) {
    return error.code() + ": " + error.message();
  }
  return "";
}

TEST(QuantizeByScaleTable, NamesWhatIsMissingAndWhatIsUnknown) {
  const ScaleTable whole = quantized(some(), {}, DType::kF32).scales;
  EXPECT_EQ(why_not(whole), "");
  ScaleTable table = whole;
  table.stubs.pop_back();
  EXPECT_EQ(why_not(table), "scales.missing: the scale table does not say all: quant_stub_1 on %fused_conv_bn_act_0");
  table = whole;
  table.means.erase("x");
  EXPECT_EQ(why_not(table), "scales.missing: the scale table does not say all: the mean of %x");
  EXPECT_EQ(
      why_not(whole, DType::kF16),
      "scales.missing: the scale table does not say all: what FP16 cannot hold: it was made without FP16 regions");
  table = whole;
  table.stubs[0].tensor = "y";
  table.weights[0].layer = "cnv";
  table.wide["z"] = "";
  EXPECT_EQ(
      why_not(table),
      "scales.unknown: the scale table names what is not quantized here: quant_stub_0 on %y, the weight of cnv in "
      "FusedConvBNAct_0, %z");
  table = whole;
  table.weights[0].scales.pop_back();
  EXPECT_EQ(why_not(table), "scales.value: the weight of conv has 4 scales, and the table gives 3");
  table = whole;
  table.means.at("x").push_back(1);
  EXPECT_EQ(why_not(table), "scales.value: %x has 3 channels, and its mean is given for 4");
}

TEST(QuantizeByScaleTable, RefusesTwoScalesWhereOneIsShared) {
  StubPlan plan;
  ScaleTable table;
  for (const char* name : {"a", "b"}) {
    PlannedStub stub;
    stub.stub = stub.tensor = name;
    stub.scale_group = "a";
    plan.stubs.push_back(stub);
    StubScale line;
    line.stub = line.tensor = name;
    table.stubs.push_back(line);
  }
  EXPECT_NO_THROW(check_shared_scales(table, plan));
  table.stubs[1].scale = 2;
  EXPECT_THROW(check_shared_scales(table, plan), Error);
}

}  // namespace
}  // namespace graftwork::core::testing
