#include "graftwork/place/smooth_quant_config.h"

#include <nlohmann/json.hpp>

#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

SmoothingStrength strength(const JsonFields& fields, const std::string& key) {
  const JsonFields::Json& value = *fields.find(key);
  if (value == "search") return std::nullopt;
  if (!value.is_number()) fields.refuse(key, "is neither a number nor \"search\"");
  const double alpha = value.get<double>();
  if (!(alpha >= 0 && alpha <= 1)) fields.refuse(key, "is not between 0 and 1");
  return alpha;
}

}  // namespace

SmoothQuantConfig read_smooth_quant(const JsonFields::Json& object, const std::string& code) {
  const JsonFields fields(object, "smooth_quant", code, {"alpha", "pairs"});
  SmoothQuantConfig config;
  if (fields.find("alpha")) config.alpha = strength(fields, "alpha");
  const JsonFields::Json* pairs = fields.find("pairs");
  if (!pairs) return config;
  if (!pairs->is_object()) fields.refuse("pairs", "is not an object");
  std::vector<std::string> paths;
  for (const auto& [path, value] : pairs->items()) paths.push_back(path);
  const JsonFields entries(*pairs, "pairs", code, paths);
  for (const std::string& path : paths) config.pairs.emplace_back(path, strength(entries, path));
  return config;
}

}  // namespace graftwork::core
