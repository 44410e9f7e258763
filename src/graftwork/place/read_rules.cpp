#include "graftwork/place/read_rules.h"

#include <nlohmann/json.hpp>

#include "graftwork/base/text.h"
#include "graftwork/place/weight_blocks.h"

namespace graftwork::core {
namespace {

using Json = JsonFields::Json;

constexpr const char* kCode = "config";
constexpr const char* kFloat = "float";

std::optional<Precision> precision_or_float(const JsonFields& fields, const std::string& key,
                                            const std::string& fallback) {
  if (fields.text(key, fallback) == kFloat) return std::nullopt;
  return read_precision(fields, key, fallback);
}

LayerFormat read_format(const JsonFields& rule) {
  const Json* value = rule.find("precision");
  if (!value) rule.refuse("precision", "is missing: float, int8, fp8, int16, or an object of weight and activation");
  LayerFormat format;
  if (!value->is_object()) {
    format.activation = format.weight = precision_or_float(rule, "precision", kFloat);
    if (format.weight == Precision::kInt4)
      rule.refuse("precision", R"(is "int4"; weights of it are {"weight": "int4", "block_size": 128})");
    return format;
  }
  const JsonFields parts(*value, "precision", kCode, {"weight", "activation", "block_size"});
  format.weight = precision_or_float(parts, "weight", kFloat);
  format.activation = precision_or_float(parts, "activation", kFloat);
  if (format.weight) format.block_size = read_block_size(parts, *format.weight);
  if (format.block_size > 0 && format.activation)
    parts.refuse("activation", "is quantized; weights in blocks are read by floats (rule Q1)");
  if (format.block_size == 0 && format.weight.has_value() != format.activation.has_value())
    parts.refuse(format.weight ? "activation" : "weight",
                 "is float and the other is not; layers are quantized on both sides, or weights in blocks (rule W1)");
  return format;
}

}  // namespace

Precision read_precision(const JsonFields& fields, const std::string& key, const std::string& fallback) {
  const std::string name = fields.text(key, fallback);
  const std::optional<Precision> precision = precision_named(name);
  if (!precision) fields.refuse(key, cat("is ", quoted(name), "; int8, fp8, int4 and int16 are supported"));
  return *precision;
}

int64_t read_block_size(const JsonFields& fields, Precision precision) {
  if (!fields.find("block_size")) return 0;
  const int64_t size = fields.integer("block_size");
  if (!is_block_size(size)) fields.refuse("block_size", cat("is ", size, "; ", kBlockSizes));
  if (precision != Precision::kInt4)
    fields.refuse("block_size", cat("is for int4; weights of ", name_of(precision),
                                    " have a scale for each output channel (rule V11)"));
  return size;
}

std::vector<PolicyRule> read_rules(const JsonFields& policy) {
  std::vector<PolicyRule> rules;
  if (!policy.find("rules")) return rules;
  for (const Json* entry : policy.list("rules")) {
    const JsonFields rule(*entry, "rule", kCode, {"match", "precision"});
    const Json* asked = rule.find("match");
    if (!asked) rule.refuse("match", "is missing: an object of name, type and scope");
    const JsonFields match(*asked, "match", kCode, {"name", "type", "scope"});
    PolicyRule read{match.text("name", ""), match.text("type", ""), match.text("scope", ""), read_format(rule)};
    if (read.name.empty() && read.type.empty() && read.scope.empty())
      rule.refuse("match", "asks for nothing; one of name, type and scope is needed");
    rules.push_back(std::move(read));
  }
  return rules;
}

}  // namespace graftwork::core
