// The printed form of a scale table.
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/place/json_fields.h"
#include "graftwork/place/json_text.h"
#include "graftwork/quant/scale_table.h"

namespace graftwork::core {
namespace {

using Json = JsonFields::Json;

constexpr const char* kCode = "scales";
constexpr int64_t kFormat = 1;
constexpr int64_t kMostChannels = int64_t{1} << 24;

// ---- writing -------------------------------------------------------------------------------------

Json list_of(const std::vector<float>& values) {
  Json list = Json::array();
  for (const float value : values) list.push_back(shortest_double(value));
  return list;
}

constexpr std::array<std::pair<DType, std::string_view>, 3> kFloatTypes{
    {{DType::kF16, "fp16"}, {DType::kF32, "fp32"}, {DType::kBF16, "bf16"}}};

Json head_json(const ScaleTable& table) {
  const auto* type = std::ranges::find(kFloatTypes, table.float_type, [](const auto& entry) { return entry.first; });
  GRAFTWORK_ASSERT(type != kFloatTypes.end());
  Json head{{"format", kFormat}, {"samples", table.samples}, {"float", type->second}};
  if (table.keeps_batch_norm) head["keep_bn"] = true;
  if (!table.rescaling.empty()) head["rescaling"] = table.rescaling;
  return head;
}

/// Of the channels that are divided.
Json divided_json(const Symbol tensor, const ChannelFactors& factors) {
  Json channels = Json::array(), by = Json::array();
  for (const auto& [channel, factor] : factors.by) {
    channels.push_back(channel);
    by.push_back(factor);
  }
  return {{"divided", tensor.str()}, {"of", factors.channels}, {"channels", channels}, {"by", by}};
}

/// Said where it is another than INT8.
Json with_precision(Json line, Precision precision) {
  if (precision != Precision::kInt8) line["precision"] = name_of(precision);
  return line;
}

Precision read_line_precision(const JsonFields& fields) {
  const std::string name = fields.text("precision", "int8");
  const std::optional<Precision> precision = precision_named(name);
  if (!precision) fields.refuse("precision", cat("is ", quoted(name), "; int8, fp8, int4 and int16 are known"));
  return *precision;
}

Json stub_json(const StubScale& line) {
  return with_precision({{"stub", line.stub.str()},
                         {"tensor", line.tensor.str()},
                         {"scale", shortest_double(line.scale)},
                         {"min", shortest_double(line.min)},
                         {"max", shortest_double(line.max)},
                         {"method", line.method},
                         {"clipped", shortest_double(static_cast<float>(line.clipped))}},
                        line.precision);
}

Json weight_json(const WeightScales& line) {
  return with_precision({{"weight", line.layer.str()},
                         {"module", line.module.str()},
                         {"method", line.method},
                         {"scales", list_of(line.scales)}},
                        line.precision);
}

// ---- reading -------------------------------------------------------------------------------------

float scale_of(const JsonFields& fields, const Json& value) {
  const float scale = value.is_number() ? value.get<float>() : 0;
  if (!(scale > 0) || !std::isfinite(scale)) fields.refuse("scale", "is not a number above 0 that fits a float");
  return scale;
}

double finite(const JsonFields& fields, const std::string& key, double value) {
  if (!std::isfinite(static_cast<float>(value))) fields.refuse(key, "does not fit a float");
  return value;
}

void read_head(const Json& json, ScaleTable& table) {
  const JsonFields fields(json, "head", kCode, {"format", "samples", "float", "keep_bn", "rescaling"});
  if (fields.integer("format") != kFormat) fields.refuse("format", "is not 1, the only one there is");
  table.samples = fields.integer("samples");
  if (table.samples < 0) fields.refuse("samples", "is less than 0");
  const std::string type = fields.text("float");
  const auto* known = std::ranges::find(kFloatTypes, type, [](const auto& entry) { return entry.second; });
  if (known == kFloatTypes.end()) fields.refuse("float", "is none of fp16, fp32 and bf16");
  table.float_type = known->first;
  table.keeps_batch_norm = fields.flag("keep_bn", false);
  table.rescaling = fields.text("rescaling", "");
}

void read_divided(const Json& json, ScaleTable& table) {
  const JsonFields fields(json, "divided", kCode, {"divided", "of", "channels", "by"});
  const int64_t count = fields.integer("of");
  if (count < 1 || count > kMostChannels) fields.refuse("of", "is no number of channels");
  ChannelFactors factors{count, {}};
  const std::vector<const Json*> channels = fields.list("channels"), by = fields.list("by");
  if (channels.size() != by.size()) fields.refuse("by", "is not as long as the list of channels");
  for (size_t i = 0; i < channels.size(); ++i) {
    const int64_t channel = channels[i]->is_number_integer() ? channels[i]->get<int64_t>() : -1;
    const double factor = by[i]->is_number() ? by[i]->get<double>() : 0;
    if (channel < 0 || channel >= count)
      fields.refuse("channels", cat("is not a list of numbers from 0 to ", count - 1));
    if (!(factor >= 1) || !std::isfinite(static_cast<float>(factor)))
      fields.refuse("by", "is not a list of numbers from 1 on that fit a float");
    if (!factors.by.emplace(channel, factor).second) fields.refuse("channels", cat("has ", channel, " twice"));
  }
  const std::string tensor = fields.text("divided");
  if (!table.divided.emplace(tensor, std::move(factors)).second)
    fields.refuse("divided", cat(quoted(tensor), " stands in two lines"));
}

void read_stub(const Json& json, ScaleTable& table) {
  const JsonFields fields(json, "stub", kCode,
                          {"stub", "tensor", "scale", "min", "max", "method", "clipped", "precision"});
  StubScale line;
  line.stub = fields.text("stub");
  line.tensor = fields.text("tensor");
  const Json* scale = fields.find("scale");
  line.scale = scale_of(fields, scale ? *scale : Json());
  line.min = static_cast<float>(finite(fields, "min", fields.number("min", 0)));
  line.max = static_cast<float>(finite(fields, "max", fields.number("max", 0)));
  line.method = fields.text("method", "");
  line.clipped = fields.number("clipped", 0);
  line.precision = read_line_precision(fields);
  if (table.stub(line.stub)) fields.refuse("stub", cat(quoted(line.stub.str()), " stands in two lines"));
  table.stubs.push_back(std::move(line));
}

void read_weight(const Json& json, ScaleTable& table) {
  const JsonFields fields(json, "weight", kCode, {"weight", "module", "method", "scales", "precision"});
  WeightScales line{
      fields.text("weight"), fields.text("module"), fields.text("method", ""), {}, read_line_precision(fields)};
  for (const Json* scale : fields.list("scales")) line.scales.push_back(scale_of(fields, *scale));
  if (table.weight(line.module, line.layer))
    fields.refuse("weight", cat(quoted(line.layer.str()), " stands in two lines"));
  table.weights.push_back(std::move(line));
}

void read_wide(const Json& json, ScaleTable& table) {
  const JsonFields fields(json, "fp32", kCode, {"fp32", "reason"});
  const std::string node = fields.text("fp32");
  if (!table.wide.emplace(node, fields.text("reason", "")).second)
    fields.refuse("fp32", cat(quoted(node), " stands in two lines"));
}

void read_means(const Json& json, ScaleTable& table) {
  const JsonFields fields(json, "mean", kCode, {"mean", "channels"});
  const std::string tensor = fields.text("mean");
  std::vector<double> means;
  for (const Json* mean : fields.list("channels")) {
    if (!mean->is_number() || !std::isfinite(mean->get<double>()))
      fields.refuse("channels", "is not a list of numbers");
    means.push_back(mean->get<double>());
  }
  if (!table.means.emplace(tensor, std::move(means)).second)
    fields.refuse("mean", cat(quoted(tensor), " stands in two lines"));
}

/// What a line is of, by the key that only such lines have.
void read_line(const std::string& text, bool is_first, ScaleTable& table) {
  const Json json = parse_json(text, "the line", kCode);
  if (is_first) return read_head(json, table);
  if (json.contains("divided")) return read_divided(json, table);
  if (json.contains("stub")) return read_stub(json, table);
  if (json.contains("weight")) return read_weight(json, table);
  if (json.contains("fp32")) return read_wide(json, table);
  if (json.contains("mean")) return read_means(json, table);
  throw Error("scales.key", "the line has none of the keys divided, stub, weight, fp32 and mean");
}

}  // namespace

std::string scale_table_text(const ScaleTable& table) {
  std::string text;
  const auto add = [&](const Json& line) { text += json_text(line, -1); };
  add(head_json(table));
  for (const auto& [tensor, factors] : table.divided) add(divided_json(tensor, factors));
  for (const StubScale& line : table.stubs) add(stub_json(line));
  for (const WeightScales& line : table.weights) add(weight_json(line));
  for (const auto& [node, reason] : table.wide) add({{"fp32", node}, {"reason", reason}});
  for (const auto& [tensor, means] : table.means) add({{"mean", tensor}, {"channels", means}});
  return text;
}

ScaleTable parse_scale_table(const std::string& text) {
  ScaleTable table;
  std::istringstream lines(text);
  std::string line;
  bool is_first = true;
  for (size_t number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      read_line(line, is_first, table);
    } catch (Error& error) {
      throw error.at(cat("line ", number));
    }
    is_first = false;
  }
  if (is_first) throw Error("scales.json", "the scale table is empty");
  return table;
}

ScaleTable read_scale_table(const std::filesystem::path& path) {
  try {
    return parse_scale_table(read_text(path));
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork::core
