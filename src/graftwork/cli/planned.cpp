#include "graftwork/cli/planned.h"

#include "graftwork/base/error.h"
#include "graftwork/patterns/text/parse.h"

namespace graftwork::cli {

PlanFile plan_of(const std::filesystem::path& path) { return path.empty() ? PlanFile() : read_plan(path); }

std::shared_ptr<const Backend> backend_of(const BackendFlags& flags) {
  return flags.name.empty() ? get_backend() : backends().find(flags.name);
}

PatternSections patterns_of(const BackendFlags& flags) {
  return with_patterns(flags.patterns, graftwork::patterns_of(*backend_of(flags)));
}

TransformationResult transform_by(const PlanFile& plan, const GraphModule& module, const PatternSections& lists) {
  if (!plan.transformation) return graftwork::transform(module, lists);
  return apply_transformation_plan(module, *plan.transformation, lists);
}

QuantConfig recipe_of(const RecipeFlags& flags, const PlanFile& plan) {
  QuantConfig recipe = flags.file.empty() ? QuantConfig() : read_quant_config(flags.file);
  recipe.skip.stub.insert(recipe.skip.stub.end(), flags.skip_stub.begin(), flags.skip_stub.end());
  recipe.skip.weight.insert(recipe.skip.weight.end(), flags.skip_weight.begin(), flags.skip_weight.end());
  if (plan.stubs && !(recipe.skip.stub.empty() && recipe.skip.weight.empty())) {
    throw Error("usage", "the plan says what is quantized, and so do the modules to skip", "one of the two");
  }
  return recipe;
}

QuantConfig recipe_of(const CalibrationFlags& flags, const PlanFile& plan) {
  QuantConfig recipe = recipe_of(flags.recipe, plan);
  if (flags.method) recipe.activation.calibration_method = *flags.method;
  if (flags.method == CalibrationMethod::kMinMax || flags.method == CalibrationMethod::kMse)
    recipe.weight.calibration_method = *flags.method;
  return recipe;
}

}  // namespace graftwork::cli
