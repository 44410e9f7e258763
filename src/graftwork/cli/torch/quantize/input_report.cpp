#include "graftwork/cli/torch/quantize/input_report.h"

#include "graftwork/data/sample_files.h"

namespace graftwork::core::cli {
namespace {

Json rounded(double value) { return number(static_cast<float>(value)); }

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(rounded(value));
  return list;
}

}  // namespace

Json inputs_json(const std::vector<InputFacts>& inputs) {
  Json list = Json::array();
  for (const InputFacts& facts : inputs) {
    Json json{{"input", facts.input.str()},
              {"min", rounded(facts.min)},
              {"max", rounded(facts.max)},
              {"mean", numbers(facts.mean)},
              {"std", numbers(facts.stddev)}};
    if (facts.expected) {
      const NormFit& fit = facts.expected->fit;
      json["expected"] = {{"layer", facts.expected->layer.str()},  {"batch_norm", facts.expected->batch_norm.str()},
                          {"shift", rounded(fit.shift)},           {"variance_ratio", rounded(fit.variance_ratio)},
                          {"divergence", rounded(fit.divergence)}, {"is_mismatch", fit.is_mismatch}};
      if (!fit.explanation.empty()) json["expected"]["explanation"] = fit.explanation;
    }
    list.push_back(std::move(json));
  }
  return list;
}

std::vector<std::string> picture_warnings(const std::vector<InputFacts>& inputs, const std::filesystem::path& data) {
  if (input_warnings(inputs).empty() || data.empty() || find_sample_files(data).images.empty()) return {};
  return {"--mean, --std and --channels say how pictures become numbers"};
}

}  // namespace graftwork::core::cli
