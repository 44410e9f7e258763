#include "graftwork/place/quant_config_text.h"

#include <gtest/gtest.h>

namespace graftwork {
namespace {

TEST(QuantConfigText, IsReadAsItself) {
  for (const char* recipe :
       {"{}",
        R"({"activation": {"calibration_method": "percentile", "percentile": 99.7, "softmax_scale": "fixed"},
            "weight": {"calibration_method": "mse", "bias_correction": false, "percentile": 98.5}})",
        R"({"skip": {"stub": ["a\"b", "head.*"], "weight": ["nn.Linear"]}, "policy": {"depthwise": "float"}})",
        R"({"policy": {"squeeze_excite": "float"}})"}) {
    const std::string text = quant_config_text(parse_quant_config(recipe));
    EXPECT_EQ(quant_config_text(parse_quant_config(text)), text);
  }
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

}  // namespace
}  // namespace graftwork
