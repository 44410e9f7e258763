#include "graftwork/place/quant_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/place/json_fields.h"

namespace graftwork {

namespace {

constexpr std::array<std::pair<CalibrationMethod, std::string_view>, 6> kMethods{
    {{CalibrationMethod::kMinMax, "minmax"},
     {CalibrationMethod::kMovingAverageMinMax, "moving_average_minmax"},
     {CalibrationMethod::kHistogram, "histogram"},
     {CalibrationMethod::kPercentile, "percentile"},
     {CalibrationMethod::kEntropy, "entropy"},
     {CalibrationMethod::kMse, "mse"}}};

}  // namespace

std::string_view name_of(CalibrationMethod method) {
  return std::ranges::find(kMethods, method, &std::pair<CalibrationMethod, std::string_view>::first)->second;
}

std::optional<CalibrationMethod> calibration_method(std::string_view name) {
  const auto* known = std::ranges::find(kMethods, name, &std::pair<CalibrationMethod, std::string_view>::second);
  return known == kMethods.end() ? std::nullopt : std::optional(known->first);
}

bool is_for_weights(CalibrationMethod method) {
  return method == CalibrationMethod::kMinMax || method == CalibrationMethod::kPercentile ||
         method == CalibrationMethod::kMse;
}

namespace {

using Json = JsonFields::Json;

constexpr const char* kCode = "config";

std::string methods_of(const std::string& tensors) {
  std::vector<std::string> names;
  for (const auto& [method, name] : kMethods) {
    if (tensors != "weight" || is_for_weights(method)) names.emplace_back(name);
  }
  const std::string last = names.back();
  names.pop_back();
  return join(names) + " and " + last;
}

void read_tensor_config(const JsonFields& fields, const std::string& name, TensorQuantConfig& config) {
  if (const std::string precision = fields.text("precision", "int8"); precision != "int8")
    fields.refuse("precision", "is \"" + precision + "\"; int8 is supported");
  const std::string given = fields.text("calibration_method", std::string(name_of(config.calibration_method)));
  const auto method = calibration_method(given);
  if (!method || (name == "weight" && !is_for_weights(*method)))
    fields.refuse("calibration_method", cat("is ", quoted(given), "; ", methods_of(name), " are supported"));
  config.calibration_method = *method;
  config.percentile = fields.number("percentile", config.percentile);
  if (!(config.percentile > 0 && config.percentile <= 100)) fields.refuse("percentile", "is not above 0 and up to 100");
  config.symmetric = fields.flag("symmetric", config.symmetric);
  config.per_channel = fields.flag("per_channel", config.per_channel);
  if (!config.symmetric) fields.refuse("symmetric", "is false; TensorRT takes symmetric quantization only (rule V1)");
  if (config.per_channel && name == "activation")
    fields.refuse("per_channel", "is true; TensorRT takes activations per tensor only (rule V11)");
  if (!config.per_channel && name == "weight")
    fields.refuse(
        "per_channel",
        "is false; weights are quantized per output channel, as TensorRT's kernels take them (recommendation 7)");
}

}  // namespace

QuantConfig parse_quant_config(const std::string& text) {
  const Json json = parse_json(text, "the recipe", kCode);
  const JsonFields fields(json, "recipe", kCode, {"activation", "weight", "skip", "policy", "smooth_quant"});
  QuantConfig config;
  if (const Json* part = fields.find("activation")) {
    const JsonFields activation(*part, "activation", kCode,
                                {"precision", "symmetric", "per_channel", "calibration_method", "percentile",
                                 "softmax_scale", "outlier_channels"});
    read_tensor_config(activation, "activation", config.activation);
    const std::string scale = activation.text("softmax_scale", "calibrated");
    if (scale != "calibrated" && scale != "fixed")
      activation.refuse("softmax_scale", cat("is ", quoted(scale), "; calibrated and fixed are supported"));
    const std::string outliers = activation.text("outlier_channels", "keep");
    if (outliers != "keep" && outliers != "divide")
      activation.refuse("outlier_channels", cat("is ", quoted(outliers), "; keep and divide are supported"));
    if (outliers == "divide") config.activation.outlier_channels = OutlierChannels::kDivide;
    if (scale == "fixed") config.activation.softmax_scale = SoftmaxScale::kFixed;
  }
  if (const Json* part = fields.find("weight")) {
    const JsonFields weight(*part, "weight", kCode,
                            {"precision", "symmetric", "per_channel", "calibration_method", "percentile",
                             "bias_correction", "cross_layer_equalization"});
    read_tensor_config(weight, "weight", config.weight);
    config.weight.bias_correction = weight.flag("bias_correction", config.weight.bias_correction);
    config.weight.cross_layer_equalization =
        weight.flag("cross_layer_equalization", config.weight.cross_layer_equalization);
  }
  if (const Json* part = fields.find("skip")) {
    const JsonFields skip(*part, "skip", kCode, {"stub", "weight", "smooth"});
    config.skip = {skip.texts("stub"), skip.texts("weight"), skip.texts("smooth")};
    if (!config.skip.smooth.empty() && !fields.find("smooth_quant")) skip.refuse("smooth", "needs smooth_quant");
  }
  if (const Json* part = fields.find("smooth_quant")) config.smooth_quant = read_smooth_quant(*part, kCode);
  if (const Json* part = fields.find("policy")) {
    const JsonFields policy(*part, "policy", kCode, {"depthwise", "squeeze_excite"});
    const auto stays_float = [&](const char* layers) {
      const std::string precision = policy.text(layers, "int8");
      if (precision != "int8" && precision != "float") policy.refuse(layers, "is neither int8 nor float");
      return precision == "float";
    };
    config.policy = {stays_float("depthwise"), stays_float("squeeze_excite")};
  }
  return config;
}

QuantConfig read_quant_config(const std::filesystem::path& path) {
  try {
    return parse_quant_config(read_text(path));
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork
