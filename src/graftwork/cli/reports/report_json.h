// The report files: what was done to a network and why, for machines. The same input gives the same bytes, so no
// times and no paths of a machine are in them.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "graftwork/cli/reports/network_facts.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/rewrite/report.h"

namespace graftwork::core::cli {

using Json = nlohmann::ordered_json;

/// What calibration found for one stub.
struct StubFigures {
  float scale = 0;
  float min = 0;
  float max = 0;
  double clipped = 0;  ///< Share of the values beyond the end of the range.
  std::string method;  ///< StubScale::method.
};

/// What both reports begin with: version, model, fused modules, operators left, patterns applied and skipped.
Json transform_report(const std::filesystem::path& model, const GraphModule& transformed, const Report& report);

/// Adds stubs, missing stubs, weights and the number of Q/DQ pairs. `figures` is in the order of `plan.stubs`.
void add_plan(Json& report, const StubPlan& plan, const std::vector<StubFigures>& figures);

/// A number that prints as the shortest decimal which reads back as this float.
Json number(float value);

}  // namespace graftwork::core::cli
