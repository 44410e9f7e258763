#include "graftwork/place/quant_config.h"

#include <nlohmann/json.hpp>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/place/json_fields.h"

namespace graftwork {

std::string_view name_of(CalibrationMethod method) { return method == CalibrationMethod::kMse ? "mse" : "minmax"; }

std::optional<CalibrationMethod> calibration_method(std::string_view name) {
  for (const CalibrationMethod method : {CalibrationMethod::kMinMax, CalibrationMethod::kMse}) {
    if (name == name_of(method)) return method;
  }
  return std::nullopt;
}

namespace {

using Json = JsonFields::Json;

constexpr const char* kCode = "config";

void read_tensor_config(const JsonFields& fields, const std::string& name, TensorQuantConfig& config) {
  if (const std::string precision = fields.text("precision", "int8"); precision != "int8")
    fields.refuse("precision", "is \"" + precision + "\"; int8 is supported");
  const std::string given = fields.text("calibration_method", std::string(name_of(config.calibration_method)));
  const auto method = calibration_method(given);
  if (!method) fields.refuse("calibration_method", cat("is ", quoted(given), "; minmax and mse are supported"));
  config.calibration_method = *method;
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
  const JsonFields fields(json, "recipe", kCode, {"activation", "weight", "skip", "policy"});
  QuantConfig config;
  if (const Json* part = fields.find("activation")) {
    const JsonFields activation(*part, "activation", kCode,
                                {"precision", "symmetric", "per_channel", "calibration_method", "softmax_scale"});
    read_tensor_config(activation, "activation", config.activation);
    const std::string scale = activation.text("softmax_scale", "calibrated");
    if (scale != "calibrated" && scale != "fixed")
      activation.refuse("softmax_scale", cat("is ", quoted(scale), "; calibrated and fixed are supported"));
    if (scale == "fixed") config.activation.softmax_scale = SoftmaxScale::kFixed;
  }
  if (const Json* part = fields.find("weight")) {
    const JsonFields weight(*part, "weight", kCode,
                            {"precision", "symmetric", "per_channel", "calibration_method", "bias_correction"});
    read_tensor_config(weight, "weight", config.weight);
    config.weight.bias_correction = weight.flag("bias_correction", config.weight.bias_correction);
  }
  if (const Json* part = fields.find("skip")) {
    const JsonFields skip(*part, "skip", kCode, {"stub", "weight"});
    config.skip = {skip.texts("stub"), skip.texts("weight")};
  }
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
