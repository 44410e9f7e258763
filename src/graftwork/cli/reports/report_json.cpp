#include "graftwork/cli/reports/report_json.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/place/json_fields.h"
#include "graftwork/place/stub_json.h"

namespace graftwork::core::cli {
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
  for (const MissingStub& missing : plan.missing) report["missing"].push_back(missing_json(missing));
  report["weights"] = Json::array();
  for (const PlannedWeight& weight : plan.weights) report["weights"].push_back(weight_json(weight));
  report["qdq_pairs"] = {{"activations", plan.stubs.size()}, {"weights", plan.quantized_weights()}};
}

Json number(float value) { return shortest_double(value); }

}  // namespace graftwork::core::cli
