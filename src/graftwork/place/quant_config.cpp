#include "graftwork/place/quant_config.h"

#include <nlohmann/json.hpp>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"

namespace graftwork {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& key, const std::string& what) {
  throw Error("config.value", cat("\"", key, "\" ", what));
}

void check_keys(const Json& object, const std::string& name, const std::vector<std::string>& known) {
  if (!object.is_object()) refuse(name, "is not an object");
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error("config.key", cat("\"", name, "\" has no key \"", key, "\""), "one of " + join(known));
    }
  }
}

std::string text(const Json& object, const std::string& key, const std::string& fallback) {
  if (!object.contains(key)) return fallback;
  if (!object[key].is_string()) refuse(key, "is not a text");
  return object[key].get<std::string>();
}

bool flag(const Json& object, const std::string& key, bool fallback) {
  if (!object.contains(key)) return fallback;
  if (!object[key].is_boolean()) refuse(key, "is not true or false");
  return object[key].get<bool>();
}

TensorQuantConfig tensor_config(const Json& object, const std::string& name, TensorQuantConfig config) {
  check_keys(object, name, {"precision", "symmetric", "per_channel", "calibration_method"});
  if (const std::string precision = text(object, "precision", "int8"); precision != "int8")
    refuse("precision", "is \"" + precision + "\"; int8 is supported");
  if (const std::string method = text(object, "calibration_method", "minmax"); method != "minmax") {
    refuse("calibration_method", "is \"" + method + "\"; minmax is supported");
  }
  config.symmetric = flag(object, "symmetric", config.symmetric);
  config.per_channel = flag(object, "per_channel", config.per_channel);
  if (!config.symmetric) refuse("symmetric", "is false; TensorRT takes symmetric quantization only (rule V1)");
  if (config.per_channel && name == "activation")
    refuse("per_channel", "is true; TensorRT takes activations per tensor only (rule V11)");
  if (!config.per_channel && name == "weight")
    refuse("per_channel",
           "is false; weights are quantized per output channel, as TensorRT's kernels take them (recommendation 7)");
  return config;
}

std::vector<std::string> entries(const Json& object, const std::string& key) {
  std::vector<std::string> result;
  if (!object.contains(key)) return result;
  if (!object[key].is_array()) refuse(key, "is not a list of texts");
  for (const Json& entry : object[key]) {
    if (!entry.is_string()) refuse(key, "is not a list of texts");
    result.push_back(entry.get<std::string>());
  }
  return result;
}

}  // namespace

QuantConfig read_quant_config(const std::filesystem::path& path) {
  try {
    const Json json = Json::parse(read_text(path), nullptr, false);
    if (json.is_discarded()) throw Error("config.json", "the recipe is not JSON");
    check_keys(json, "recipe", {"activation", "weight", "skip"});
    QuantConfig config;
    if (json.contains("activation"))
      config.activation = tensor_config(json["activation"], "activation", config.activation);
    if (json.contains("weight")) config.weight = tensor_config(json["weight"], "weight", config.weight);
    if (json.contains("skip")) {
      check_keys(json["skip"], "skip", {"stub", "weight"});
      config.skip = {entries(json["skip"], "stub"), entries(json["skip"], "weight")};
    }
    return config;
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork
