#include "graftwork/place/quant_config_text.h"

#include <nlohmann/json.hpp>

#include "graftwork/place/json_fields.h"

namespace graftwork {
namespace {

using Json = JsonFields::Json;

Json tensor_json(const TensorQuantConfig& config) {
  return {{"precision", "int8"},
          {"symmetric", config.symmetric},
          {"per_channel", config.per_channel},
          {"calibration_method", name_of(config.calibration_method)},
          {"percentile", config.percentile}};
}

}  // namespace

std::string quant_config_text(const QuantConfig& config) {
  const auto precision = [](bool is_float) { return is_float ? "float" : "int8"; };
  Json activation = tensor_json(config.activation);
  activation["softmax_scale"] = config.activation.softmax_scale == SoftmaxScale::kFixed ? "fixed" : "calibrated";
  Json weight = tensor_json(config.weight);
  weight["bias_correction"] = config.weight.bias_correction;
  const Json json{{"activation", std::move(activation)},
                  {"weight", std::move(weight)},
                  {"skip", {{"stub", config.skip.stub}, {"weight", config.skip.weight}}},
                  {"policy",
                   {{"depthwise", precision(config.policy.float_depthwise)},
                    {"squeeze_excite", precision(config.policy.float_squeeze_excite)}}}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace graftwork
