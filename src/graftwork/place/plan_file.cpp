#include "graftwork/place/plan_file.h"

#include <nlohmann/json.hpp>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/place/json_fields.h"
#include "graftwork/place/json_text.h"
#include "graftwork/place/read_rules.h"
#include "graftwork/place/stub_json.h"

namespace graftwork::core {
namespace {

using Json = JsonFields::Json;

constexpr const char* kCode = "plan";
constexpr int64_t kFormat = 1;

std::vector<std::string> texts(const std::vector<Symbol>& symbols) {
  std::vector<std::string> result;
  for (const Symbol symbol : symbols) result.push_back(symbol.str());
  return result;
}

// ---- writing -------------------------------------------------------------------------------------

Json match_json(const PlannedMatch& match) {
  Json json{{"node", match.node.str()}, {"pattern", match.pattern.str()}, {"apply", match.apply}};
  if (!match.nodes.empty()) json["nodes"] = texts(match.nodes);
  if (!match.winner.empty()) json["winner"] = match.winner.str();
  return json;
}

Json transformation_json(const TransformationPlan& plan) {
  Json rounds = Json::array();
  for (const PlannedRound& round : plan.rounds) {
    Json matches = Json::array();
    for (const PlannedMatch& match : round.matches) matches.push_back(match_json(match));
    rounds.push_back({{"phase", round.phase.str()}, {"matches", std::move(matches)}});
  }
  return {{"graph", plan.graph}, {"rounds", std::move(rounds)}};
}

Json stubs_json(const StubPlan& plan) {
  Json stubs = Json::array(), missing = Json::array(), weights = Json::array();
  for (const PlannedStub& stub : plan.stubs) {
    Json readers = Json::array();
    for (const StubReader& reader : stub.readers) readers.push_back(reader_json(reader));
    Json json{{"name", stub.stub.str()},
              {"tensor", stub.tensor.str()},
              {"apply", true},
              {"readers", std::move(readers)},
              {"reason", stub.reason}};
    if (!stub.scale_group.empty()) json["scale_group"] = stub.scale_group.str();
    if (stub.given) json["given"] = true;
    if (!stub.value.empty()) json["value"] = stub.value.str();
    if (stub.precision != Precision::kInt8) json["precision"] = name_of(stub.precision);
    stubs.push_back(std::move(json));
  }
  for (const MissingStub& stub : plan.missing) missing.push_back(missing_json(stub));
  for (const PlannedWeight& weight : plan.weights) weights.push_back(weight_json(weight));
  return {{"graph", plan.graph},
          {"stubs", std::move(stubs)},
          {"missing", std::move(missing)},
          {"weights", std::move(weights)}};
}

// ---- reading -------------------------------------------------------------------------------------

PlannedMatch read_match(const Json& json) {
  const JsonFields fields(json, "match", kCode, {"node", "pattern", "apply", "nodes", "winner"});
  PlannedMatch match{fields.text("pattern"), fields.text("node"), {}, fields.flag("apply"), fields.text("winner", "")};
  for (const std::string& name : fields.texts("nodes")) match.nodes.emplace_back(name);
  return match;
}

TransformationPlan read_transformation(const Json& json) {
  const JsonFields fields(json, "transformation", kCode, {"graph", "rounds"});
  TransformationPlan plan{fields.text("graph"), {}};
  for (const Json* entry : fields.list("rounds")) {
    const JsonFields round(*entry, "round", kCode, {"phase", "matches"});
    const std::string phase = round.text("phase");
    if (phase != "conversions" && phase != "fusions") round.refuse("phase", "is neither conversions nor fusions");
    plan.rounds.push_back({phase, {}});
    for (const Json* match : round.list("matches")) plan.rounds.back().matches.push_back(read_match(*match));
  }
  return plan;
}

StubReader read_reader(const JsonFields& fields) { return {fields.text("module"), fields.integer("input")}; }

StubPlan read_stubs(const Json& json) {
  const JsonFields fields(json, "stubs", kCode, {"graph", "stubs", "missing", "weights"});
  StubPlan plan;
  plan.graph = fields.text("graph");
  for (const Json* entry : fields.list("missing")) {
    const JsonFields missing(*entry, "missing", kCode, {"module", "input", "reason", "value"});
    plan.missing.push_back({read_reader(missing), missing.text("reason", ""), missing.text("value", "")});
  }
  for (const Json* entry : fields.list("stubs")) {
    const JsonFields stub(
        *entry, "stub", kCode,
        {"name", "tensor", "apply", "readers", "reason", "scale_group", "given", "value", "precision"});
    PlannedStub planned{stub.text("name"),
                        stub.text("tensor"),
                        {},
                        stub.text("reason", ""),
                        stub.text("scale_group", ""),
                        stub.flag("given", false),
                        stub.text("value", ""),
                        read_precision(stub, "precision", "int8")};
    for (const Json* reader : stub.list("readers")) {
      planned.readers.push_back(read_reader(JsonFields(*reader, "reader", kCode, {"module", "input"})));
    }
    if (planned.readers.empty()) stub.refuse("readers", "is empty");
    if (stub.flag("apply", true)) {
      plan.stubs.push_back(std::move(planned));
    } else {
      for (const StubReader& reader : planned.readers)
        plan.missing.push_back({reader, "switched off in the plan", planned.value});
    }
  }
  for (const Json* entry : fields.list("weights")) {
    const JsonFields weight(*entry, "weight", kCode,
                            {"module", "layer", "quantized", "reason", "precision", "block_size"});
    const Precision precision = read_precision(weight, "precision", "int8");
    plan.weights.push_back({weight.text("module"), weight.text("layer"), weight.flag("quantized"),
                            weight.text("reason", ""), precision, read_block_size(weight, precision)});
  }
  return plan;
}

}  // namespace

std::string plan_text(const PlanFile& plan) {
  Json json{{"format", kFormat}};
  if (plan.transformation) json["transformation"] = transformation_json(*plan.transformation);
  if (plan.stubs) json["stubs"] = stubs_json(*plan.stubs);
  return json_text(json, 1);
}

PlanFile parse_plan(const std::string& text) {
  const Json json = parse_json(text, "the plan", kCode);
  const JsonFields fields(json, "plan", kCode, {"format", "transformation", "stubs"});
  if (fields.integer("format") != kFormat) fields.refuse("format", "is not 1, the only one there is");
  PlanFile plan;
  if (const Json* part = fields.find("transformation")) plan.transformation = read_transformation(*part);
  if (const Json* part = fields.find("stubs")) plan.stubs = read_stubs(*part);
  return plan;
}

PlanFile read_plan(const std::filesystem::path& path) {
  try {
    return parse_plan(read_text(path));
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork::core
