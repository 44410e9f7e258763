#include "graftwork/cli/torch/quantize/formats.h"

#include <set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/opset.h"

namespace graftwork::core::cli {

std::vector<LayerFormat> weight_formats(const QuantConfig& recipe, const PlanFile& plan) {
  std::vector<LayerFormat> formats;
  if (plan.stubs) {
    for (const PlannedWeight& weight : plan.stubs->weights) {
      if (weight.quantized) formats.push_back({std::nullopt, weight.precision, weight.block_size});
    }
    return formats;
  }
  formats.push_back(recipe.format());
  for (const PolicyRule& rule : recipe.rules) formats.push_back(rule.format);
  return formats;
}

void check_formats(const std::vector<LayerFormat>& formats, const ExportOptions& options) {
  for (const LayerFormat& format : formats) {
    if (!format.weight) continue;
    const std::string title(title_of(*format.weight));
    if (format.weight == Precision::kInt4) check_opset(options, kInt4Opset, title);
    if (options.weights == WeightForm::kFloat && format.weight != Precision::kInt8)
      throw Error("export.weights", cat("TensorRT 8, which float weights are for, lacks ", title),
                  "weights stored as codes");
  }
}

std::string stored_weights(const StubPlan& plan, WeightForm form) {
  if (form == WeightForm::kFloat) return "float";
  std::set<std::string> precisions;
  for (const PlannedWeight& weight : plan.weights) {
    if (weight.quantized) precisions.emplace(name_of(weight.precision));
  }
  return precisions.empty() ? "float" : join(std::vector<std::string>(precisions.begin(), precisions.end()));
}

}  // namespace graftwork::core::cli
