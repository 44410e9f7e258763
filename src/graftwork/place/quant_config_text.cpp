#include "graftwork/place/quant_config_text.h"

#include <nlohmann/json.hpp>

#include "graftwork/place/json_fields.h"
#include "graftwork/place/json_text.h"

namespace graftwork::core {
namespace {

using Json = JsonFields::Json;

Json tensor_json(const TensorQuantConfig& config) {
  return {{"precision", name_of(config.precision)},
          {"symmetric", config.symmetric},
          {"per_channel", config.per_channel},
          {"calibration_method", name_of(config.calibration_method)},
          {"percentile", config.percentile}};
}

Json precision_json(const std::optional<Precision>& precision) { return precision ? name_of(*precision) : "float"; }

Json rule_json(const PolicyRule& rule) {
  Json match = Json::object();
  if (!rule.name.empty()) match["name"] = rule.name;
  if (!rule.type.empty()) match["type"] = rule.type;
  if (!rule.scope.empty()) match["scope"] = rule.scope;
  Json precision{{"weight", precision_json(rule.format.weight)},
                 {"activation", precision_json(rule.format.activation)}};
  if (rule.format.block_size > 0) precision["block_size"] = rule.format.block_size;
  return {{"match", std::move(match)}, {"precision", std::move(precision)}};
}

Json strength_json(const SmoothingStrength& strength) { return strength ? Json(*strength) : Json("search"); }

Json smooth_quant_json(const SmoothQuantConfig& config) {
  Json pairs = Json::object();
  for (const auto& [path, strength] : config.pairs) pairs[path] = strength_json(strength);
  return {{"alpha", strength_json(config.alpha)}, {"pairs", std::move(pairs)}};
}

}  // namespace

std::string quant_config_text(const QuantConfig& config) {
  const auto precision = [](bool is_float) { return is_float ? "float" : "int8"; };
  Json activation = tensor_json(config.activation);
  activation["softmax_scale"] = config.activation.softmax_scale == SoftmaxScale::kFixed ? "fixed" : "calibrated";
  activation["outlier_channels"] = name_of(config.activation.outlier_channels);
  Json weight = tensor_json(config.weight);
  weight["bias_correction"] = config.weight.bias_correction;
  weight["cross_layer_equalization"] = config.weight.cross_layer_equalization;
  weight["rounding"] = name_of(config.weight.rounding);
  if (config.weight.rounding == WeightRounding::kAdaRound)
    weight["rounding_iterations"] = config.weight.rounding_iterations;
  if (config.weight.block_size > 0) weight["block_size"] = config.weight.block_size;
  Json rules = Json::array();
  for (const PolicyRule& rule : config.rules) rules.push_back(rule_json(rule));
  Json json{{"activation", std::move(activation)},
            {"weight", std::move(weight)},
            {"skip", {{"stub", config.skip.stub}, {"weight", config.skip.weight}}},
            {"policy",
             {{"depthwise", precision(config.policy.float_depthwise)},
              {"squeeze_excite", precision(config.policy.float_squeeze_excite)},
              {"first_and_last", precision(config.policy.float_first_and_last)},
              {"tiny_products", precision(config.policy.float_tiny_products)},
              {"global_pooling", precision(config.policy.float_global_pooling)},
              {"rules", std::move(rules)}}}};
  if (config.smooth_quant) {
    json["smooth_quant"] = smooth_quant_json(*config.smooth_quant);
    json["skip"]["smooth"] = config.skip.smooth;
  }
  return json_text(json);
}

}  // namespace graftwork::core
