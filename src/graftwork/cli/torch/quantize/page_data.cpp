#include "graftwork/cli/torch/quantize/page_data.h"

#include <algorithm>
#include <set>

#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

Json histogram_json(const Histogram& histogram) {
  constexpr size_t kMostBars = 96;
  const std::span<const uint64_t> counts = histogram.counts();
  const size_t bins = (counts.size() + kMostBars - 1) / kMostBars;  // in a bar
  Json bars = Json::array();
  for (size_t begin = 0; begin < counts.size(); begin += bins) {
    uint64_t bar = 0;
    for (const uint64_t count : counts.subspan(begin, std::min(bins, counts.size() - begin))) bar += count;
    bars.push_back(bar);
  }
  return {{"width", histogram.width() * static_cast<double>(bins)},
          {"zeros", histogram.zeros()},
          {"bars", std::move(bars)}};
}

Json histograms_json(const QuantizationResult& result) {
  Json all = Json::object();
  for (const PlannedStub& stub : result.plan.stubs) {
    const auto range = result.ranges.find(stub.tensor.str());
    if (range == result.ranges.end() || range->second.histogram.counts().empty()) continue;
    all.push_back({stub.stub.str(), histogram_json(range->second.histogram)});
  }
  return all;
}

Json profile_json(std::vector<float> scales) {
  constexpr size_t kMostPoints = 64;
  std::ranges::sort(scales);
  const size_t points = std::min(scales.size(), kMostPoints);
  Json profile = Json::array();
  for (size_t i = 0; i < points; ++i)
    profile.push_back(number(scales[points == 1 ? 0 : i * (scales.size() - 1) / (points - 1)]));
  return {{"channels", scales.size()}, {"profile", std::move(profile)}};
}

Json weight_scales_json(const ScaleTable& table) {
  Json all = Json::object();
  for (const WeightScales& weight : table.weights)
    all.push_back({cat(weight.module.str(), " ", weight.layer.str()), profile_json(weight.scales)});
  return all;
}

}  // namespace

Json page_data(const Json& report, const QuantizationResult& result) {
  Json data = Json::object();
  for (const auto& [key, value] : report.items()) {
    if (key != "applied" && key != "skipped") data[key] = value;
  }
  std::set<std::string> names;
  for (const Json& node : report["network"]) names.insert(node["name"].get<std::string>());
  data["skipped"] = Json::array();
  for (const Json& match : report["skipped"]) {
    if (names.contains(match["node"].get<std::string>())) data["skipped"].push_back(match);
  }
  data["histograms"] = histograms_json(result);
  data["weight_scales"] = weight_scales_json(result.scales);
  return data;
}

}  // namespace graftwork::core::cli
