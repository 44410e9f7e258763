#include "graftwork/place/quant_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/place/calibration_methods.h"
#include "graftwork/place/json_fields.h"
#include "graftwork/place/read_rules.h"

namespace graftwork::core {

namespace {

constexpr std::array<std::pair<CalibrationMethod, std::string_view>, 6> kMethods{
    {{CalibrationMethod::kMinMax, "minmax"},
     {CalibrationMethod::kMovingAverageMinMax, "moving_average_minmax"},
     {CalibrationMethod::kHistogram, "histogram"},
     {CalibrationMethod::kPercentile, "percentile"},
     {CalibrationMethod::kEntropy, "entropy"},
     {CalibrationMethod::kMse, "mse"}}};

constexpr std::array<std::pair<WeightRounding, std::string_view>, 3> kRoundings{
    {{WeightRounding::kNearest, "nearest"}, {WeightRounding::kGptq, "gptq"}, {WeightRounding::kAdaRound, "adaround"}}};

constexpr std::array<std::pair<OutlierChannels, std::string_view>, 3> kOutliers{
    {{OutlierChannels::kKeep, "keep"},
     {OutlierChannels::kDivideLinear, "divide_linear"},
     {OutlierChannels::kDivide, "divide"}}};

}  // namespace

std::string_view name_of(OutlierChannels outliers) {
  return std::ranges::find(kOutliers, outliers, &std::pair<OutlierChannels, std::string_view>::first)->second;
}

std::string_view name_of(WeightRounding rounding) {
  return std::ranges::find(kRoundings, rounding, &std::pair<WeightRounding, std::string_view>::first)->second;
}

std::string_view name_of(CalibrationMethod method) {
  return std::ranges::find(kMethods, method, &std::pair<CalibrationMethod, std::string_view>::first)->second;
}

std::optional<CalibrationMethod> calibration_method(std::string_view name) {
  const auto* known = std::ranges::find(kMethods, name, &std::pair<CalibrationMethod, std::string_view>::second);
  return known == kMethods.end() ? std::nullopt : std::optional(known->first);
}

std::vector<std::string> calibration_method_names() {
  std::vector<std::string> names;
  for (const auto& [method, name] : kMethods) names.emplace_back(name);
  return names;
}

bool is_for_weights(CalibrationMethod method) {
  return method == CalibrationMethod::kMinMax || method == CalibrationMethod::kPercentile ||
         method == CalibrationMethod::kMse;
}

namespace {

using Json = JsonFields::Json;

constexpr const char* kCode = "config";
constexpr int64_t kMostIterations = 1'000'000;

std::string methods_of(const std::string& tensors) {
  std::vector<std::string> names;
  for (const auto& [method, name] : kMethods) {
    if (tensors != "weight" || is_for_weights(method)) names.emplace_back(name);
  }
  const std::string last = names.back();
  names.pop_back();
  return join(names) + " and " + last;
}

/// FP8's steps grow with the numbers, so that clipping gains nothing; histograms count magnitudes, without a sign.
bool takes(const TensorQuantConfig& config, CalibrationMethod method) {
  const bool keeps_ends = method == CalibrationMethod::kMinMax || method == CalibrationMethod::kMovingAverageMinMax;
  return keeps_ends || (config.precision != Precision::kFp8 && config.symmetric);
}

void check_method(const char* name, const TensorQuantConfig& config) {
  if (takes(config, config.calibration_method)) return;
  throw Error("config.value",
              cat("\"calibration_method\" of ", name, " is ", quoted(std::string(name_of(config.calibration_method))),
                  config.precision == Precision::kFp8
                      ? "; the steps of FP8 grow with the numbers, so that clipping gains nothing: minmax is supported"
                      : "; affine ranges reach from the least value to the largest: minmax is supported"));
}

void read_tensor_config(const JsonFields& fields, const std::string& name, TensorQuantConfig& config) {
  config.precision = read_precision(fields, "precision", "int8");
  config.symmetric = fields.flag("symmetric", config.symmetric);
  if (!takes(config, config.calibration_method)) config.calibration_method = CalibrationMethod::kMinMax;
  const std::string given = fields.text("calibration_method", std::string(name_of(config.calibration_method)));
  const auto method = calibration_method(given);
  if (!method || (name == "weight" && !is_for_weights(*method)))
    fields.refuse("calibration_method", cat("is ", quoted(given), "; ", methods_of(name), " are supported"));
  config.calibration_method = *method;
  config.percentile = fields.number("percentile", config.percentile);
  if (!(config.percentile > 0 && config.percentile <= 100)) fields.refuse("percentile", "is not above 0 and up to 100");
  config.per_channel = fields.flag("per_channel", config.per_channel);
}

void read_rounding(const JsonFields& fields, WeightQuantConfig& config) {
  const std::string given = fields.text("rounding", std::string(name_of(config.rounding)));
  const auto* known = std::ranges::find(kRoundings, given, &std::pair<WeightRounding, std::string_view>::second);
  if (known == kRoundings.end())
    fields.refuse("rounding", cat("is ", quoted(given), "; nearest, gptq and adaround are supported"));
  config.rounding = known->first;
  if (!fields.find("rounding_iterations")) return;
  if (config.rounding != WeightRounding::kAdaRound) fields.refuse("rounding_iterations", "is for adaround");
  config.rounding_iterations = fields.integer("rounding_iterations");
  if (config.rounding_iterations < 1 || config.rounding_iterations > kMostIterations)
    fields.refuse("rounding_iterations", cat("is not between 1 and ", kMostIterations));
}

void read_blocks(const JsonFields& fields, WeightQuantConfig& config) {
  config.block_size = read_block_size(fields, config.precision);
  if (config.block_size > 0 && !config.per_channel)
    fields.refuse("per_channel", "is false; blocks are parts of an output channel (rule Q1)");
}

}  // namespace

LayerFormat QuantConfig::format() const {
  if (weight.block_size > 0) return {std::nullopt, weight.precision, weight.block_size};
  return {activation.precision, weight.precision, 0};
}

void check_quant_config(const QuantConfig& config) {
  check_method("activation", config.activation);
  check_method("weight", config.weight);
  if (config.activation.per_channel)
    throw Error("config.value", "\"per_channel\" is true; TensorRT takes activations per tensor only (rule V11)");
  for (const TensorQuantConfig* part : {static_cast<const TensorQuantConfig*>(&config.activation),
                                        static_cast<const TensorQuantConfig*>(&config.weight)}) {
    if (part->precision == Precision::kFp8 && !part->symmetric)
      throw Error("config.value", "\"symmetric\" is false; numbers of FP8 have a sign and no zero point (rule V1)");
  }
  if (config.weight.rounding != WeightRounding::kNearest && !config.weight.symmetric)
    throw Error("config.value",
                cat("\"symmetric\" is false; ", name_of(config.weight.rounding), " rounds to symmetric codes"));
  if (config.weight.block_size > 0 && !config.weight.symmetric)
    throw Error("config.value", "\"symmetric\" is false; codes of INT4 in blocks are symmetric (rule V1)");
  for (size_t i = 0; i < config.rules.size(); ++i) {
    const LayerFormat& format = config.rules[i].format;
    const bool in_fp8 = (format.activation == Precision::kFp8 && !config.activation.symmetric) ||
                        (format.weight == Precision::kFp8 && !config.weight.symmetric);
    if (in_fp8 || (format.block_size > 0 && !config.weight.symmetric))
      throw Error("config.value", cat("\"symmetric\" is false, and rule ", i + 1, " (", config.rules[i].text(),
                                      ") has no zero points (rule V1)"));
  }
}

void check_can_be_written(const QuantConfig& config) {
  const auto refuse = [](const std::string& what, const std::string& why) {
    throw Error("config.export", what + why, "running it in fake quantization");
  };
  if (!config.activation.symmetric || !config.weight.symmetric)
    refuse(config.activation.symmetric ? "weights are" : "activations are",
           " affine, and TensorRT takes zero points of 0 only (rule V1)");
  if (const Outcome written = can_be_written(config.format()); !written)
    refuse(config.format().text() + ": ", written.reason());
  for (size_t i = 0; i < config.rules.size(); ++i) {
    if (const Outcome written = can_be_written(config.rules[i].format); !written)
      refuse(cat("rule ", i + 1, " (", config.rules[i].text(), "): "), written.reason());
  }
}

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
    const std::string outliers =
        activation.text("outlier_channels", std::string(name_of(config.activation.outlier_channels)));
    const auto* known = std::ranges::find(kOutliers, outliers, &std::pair<OutlierChannels, std::string_view>::second);
    if (known == kOutliers.end())
      activation.refuse("outlier_channels",
                        cat("is ", quoted(outliers), "; keep, divide_linear and divide are supported"));
    config.activation.outlier_channels = known->first;
    if (scale == "fixed") config.activation.softmax_scale = SoftmaxScale::kFixed;
  }
  if (const Json* part = fields.find("weight")) {
    const JsonFields weight(
        *part, "weight", kCode,
        {"precision", "symmetric", "per_channel", "calibration_method", "percentile", "bias_correction", "block_size",
         "rounding", "rounding_iterations", "cross_layer_equalization"});
    read_tensor_config(weight, "weight", config.weight);
    read_rounding(weight, config.weight);
    read_blocks(weight, config.weight);
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
    const JsonFields policy(
        *part, "policy", kCode,
        {"depthwise", "squeeze_excite", "first_and_last", "tiny_products", "global_pooling", "rules"});
    const auto stays_float = [&](const char* layers) {
      const std::string precision = policy.text(layers, "int8");
      if (precision != "int8" && precision != "float") policy.refuse(layers, "is neither int8 nor float");
      return precision == "float";
    };
    config.policy = {stays_float("depthwise"), stays_float("squeeze_excite"), stays_float("first_and_last"),
                     stays_float("tiny_products"), stays_float("global_pooling")};
    config.rules = read_rules(policy);
  }
  check_quant_config(config);
  return config;
}

QuantConfig read_quant_config(const std::filesystem::path& path) {
  try {
    return parse_quant_config(read_text(path));
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork::core
