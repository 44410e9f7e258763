#include "graftwork/place/quant_config_text.h"

#include <gtest/gtest.h>

#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

TEST(QuantConfigText, IsReadAsItself) {
  for (const char* recipe :
       {"{}",
        R"({"activation": {"calibration_method": "percentile", "percentile": 99.7, "softmax_scale": "fixed"},
            "weight": {"calibration_method": "mse", "bias_correction": false, "percentile": 98.5}})",
        R"({"skip": {"stub": ["a\"b", "head.*"], "weight": ["nn.Linear"]}, "policy": {"depthwise": "float"}})",
        R"({"policy": {"squeeze_excite": "float"}})",
        R"({"weight": {"precision": "int4", "block_size": 128, "rounding": "gptq"}})",
        R"({"weight": {"rounding": "adaround", "rounding_iterations": 250}})",
        R"({"activation": {"precision": "fp8", "calibration_method": "minmax", "outlier_channels": "divide"},
            "weight": {"precision": "fp8", "cross_layer_equalization": true}})",
        R"({"smooth_quant": {"alpha": "search", "pairs": {"b.*": 0.25, "a": "search"}}, "skip": {"smooth": ["c"]}})",
        R"({"policy": {"tiny_products": "float", "rules": [
            {"match": {"name": "a.*", "type": "nn.Linear", "scope": "b"}, "precision": "fp8"},
            {"match": {"scope": "b"}, "precision": {"weight": "int4", "block_size": 64}}]}})"}) {
    const std::string text = quant_config_text(parse_quant_config(recipe));
    EXPECT_EQ(quant_config_text(parse_quant_config(text)), text);
  }
}

TEST(QuantConfigText, EscapesWhatNobodySees) {
  QuantConfig config;
  config.skip.stub = {"a\u202e\u200b", "é"};
  const std::string text = quant_config_text(config);
  EXPECT_EQ(visible(text, true), text);
  EXPECT_NE(text.find("\"a\\u202e\\u200b\""), std::string::npos) << text;
  EXPECT_EQ(parse_quant_config(text).skip.stub, config.skip.stub);
}

TEST(QuantConfigText, SaysWhatTheRecipeSays) {
  const QuantConfig config = parse_quant_config(quant_config_text(parse_quant_config(
      R"({"activation": {"calibration_method": "percentile", "percentile": 99.7, "softmax_scale": "fixed"},
          "weight": {"calibration_method": "mse", "bias_correction": false},
          "skip": {"stub": ["head.*"], "weight": ["nn.Linear"]},
          "policy": {"depthwise": "float", "squeeze_excite": "int8"}})")));
  EXPECT_EQ(config.activation.calibration_method, CalibrationMethod::kPercentile);
  EXPECT_EQ(config.activation.percentile, 99.7);
  EXPECT_EQ(config.activation.softmax_scale, SoftmaxScale::kFixed);
  EXPECT_EQ(config.weight.calibration_method, CalibrationMethod::kMse);
  EXPECT_FALSE(config.weight.bias_correction);
  EXPECT_EQ(config.skip.stub, std::vector<std::string>{"head.*"});
  EXPECT_EQ(config.skip.weight, std::vector<std::string>{"nn.Linear"});
  EXPECT_TRUE(config.policy.float_depthwise);
  EXPECT_FALSE(config.policy.float_squeeze_excite);
}

TEST(QuantConfigText, SaysHowCodesAreChosen) {
  const QuantConfig config = parse_quant_config(
      quant_config_text(parse_quant_config(R"({"weight": {"rounding": "adaround", "rounding_iterations": 250}})")));
  EXPECT_EQ(config.weight.rounding, WeightRounding::kAdaRound);
  EXPECT_EQ(config.weight.rounding_iterations, 250);
  EXPECT_EQ(parse_quant_config(R"({"weight": {"rounding": "adaround"}})").weight.rounding_iterations, 300);
}

TEST(QuantConfigText, SaysRulesAndSmoothing) {
  const QuantConfig config = parse_quant_config(quant_config_text(parse_quant_config(
      R"({"weight": {"rounding": "gptq", "cross_layer_equalization": true},
          "activation": {"outlier_channels": "divide"},
          "smooth_quant": {"alpha": "search", "pairs": {"b.*": 0.25, "a": "search"}}, "skip": {"smooth": ["c"]},
          "policy": {"global_pooling": "float", "rules": [
              {"match": {"name": "a.*"}, "precision": "fp8"},
              {"match": {"scope": "b"}, "precision": {"weight": "int4", "block_size": 64}}]}})")));
  EXPECT_EQ(config.weight.rounding, WeightRounding::kGptq);
  EXPECT_TRUE(config.weight.cross_layer_equalization);
  EXPECT_EQ(config.activation.outlier_channels, OutlierChannels::kDivide);
  ASSERT_TRUE(config.smooth_quant);
  EXPECT_FALSE(config.smooth_quant->alpha);
  ASSERT_EQ(config.smooth_quant->pairs.size(), 2U);
  EXPECT_EQ(config.smooth_quant->pairs[0].first, "b.*") << "the first that fits counts";
  EXPECT_EQ(config.smooth_quant->pairs[0].second, 0.25);
  EXPECT_EQ(config.skip.smooth, std::vector<std::string>{"c"});
  EXPECT_TRUE(config.policy.float_global_pooling);
  ASSERT_EQ(config.rules.size(), 2U);
  EXPECT_EQ(config.rules[0].name, "a.*");
  EXPECT_EQ(config.rules[0].format, (LayerFormat{Precision::kFp8, Precision::kFp8, 0}));
  EXPECT_EQ(config.rules[1].format, (LayerFormat{std::nullopt, Precision::kInt4, 64}));
}

}  // namespace
}  // namespace graftwork::core
