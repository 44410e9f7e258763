#include "graftwork/cli/report_json.h"

#include "graftwork/base/error.h"
#include "graftwork/place/json_fields.h"

namespace graftwork::cli {
namespace {

Json applied_json(const AppliedMatch& match) {
  Json replaced = Json::array();
  for (auto name = match.replaced.rbegin(); name != match.replaced.rend(); ++name) replaced.push_back(name->str());
  return {{"pattern", match.pattern.str()}, {"result", match.result.str()}, {"replaced", std::move(replaced)}};
}

Json skipped_json(const SkippedMatch& match) {
  Json json{{"pattern", match.pattern.str()}, {"node", match.node.str()}, {"reason", match.why()}};
  if (!match.winner.empty()) json["winner"] = match.winner.str();
  return json;
}

Json reader_json(const StubReader& reader) { return {{"module", reader.module.str()}, {"input", reader.input}}; }

Json stub_json(const PlannedStub& stub, const StubFigures& figures) {
  Json readers = Json::array();
  for (const StubReader& reader : stub.readers) readers.push_back(reader_json(reader));
  Json json{{"name", stub.stub.str()},        {"tensor", stub.tensor.str()},
            {"scale", number(figures.scale)}, {"min", number(figures.min)},
            {"max", number(figures.max)},     {"clipped", number(static_cast<float>(figures.clipped))},
            {"method", figures.method},       {"readers", std::move(readers)},
            {"reason", stub.reason}};
  if (!stub.value.empty()) json["value"] = stub.value.str();
  if (stub.precision != Precision::kInt8) json["precision"] = name_of(stub.precision);
  return json;
}

}  // namespace

Json transform_report(const std::filesystem::path& model, const GraphModule& transformed, const Report& report) {
  Json json;
  json["version"] = GRAFTWORK_VERSION;
  json["model"] = model.filename().string();
  json["fused"] = fused_counts(transformed);
  json["operators_left"] = unfused_counts(transformed);
  json["applied"] = Json::array();
  for (const AppliedMatch& match : report.applied) json["applied"].push_back(applied_json(match));
  json["skipped"] = Json::array();
  for (const SkippedMatch& match : report.skipped) json["skipped"].push_back(skipped_json(match));
  return json;
}

void add_plan(Json& report, const StubPlan& plan, const std::vector<StubFigures>& figures) {
  GRAFTWORK_ASSERT(figures.size() == plan.stubs.size());
  report["stubs"] = Json::array();
  for (size_t i = 0; i < figures.size(); ++i) report["stubs"].push_back(stub_json(plan.stubs[i], figures[i]));
  report["missing"] = Json::array();
  for (const MissingStub& missing : plan.missing) {
    Json json = reader_json(missing.reader);
    json["reason"] = missing.reason;
    if (!missing.value.empty()) json["value"] = missing.value.str();
    report["missing"].push_back(std::move(json));
  }
  report["weights"] = Json::array();
  for (const PlannedWeight& weight : plan.weights) {
    Json json{{"module", weight.module.str()},
              {"layer", weight.layer.str()},
              {"quantized", weight.quantized},
              {"reason", weight.reason}};
    if (weight.precision != Precision::kInt8) json["precision"] = name_of(weight.precision);
    if (weight.block_size > 0) json["block_size"] = weight.block_size;
    report["weights"].push_back(std::move(json));
  }
  report["qdq_pairs"] = {{"activations", plan.stubs.size()}, {"weights", plan.quantized_weights()}};
}

Json number(float value) { return shortest_double(value); }

std::string to_text(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace graftwork::cli
