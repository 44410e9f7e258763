#include "graftwork/cli/graph/planned.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/text/parse.h"

namespace graftwork::core::cli {

namespace {

bool leaves_some_float(const QuantPolicy& policy) {
  const auto& [depthwise, squeeze_excite, first_and_last, tiny_products, global_pooling] = policy;
  return depthwise || squeeze_excite || first_and_last || tiny_products || global_pooling;
}

/// A recipe beside a plan says how ranges are found; what is quantized to what stands in the plan.
void refuse_other_formats(const QuantConfig& recipe, const StubPlan& plan) {
  if (!recipe.rules.empty() || leaves_some_float(recipe.policy))
    throw Error("usage", "the plan says what is quantized, and so do the recipe's policy and rules",
                "one of the two: a recipe without \"policy\", or no plan");
  const LayerFormat format = recipe.format();
  if (format == LayerFormat()) return;  // asks for nothing
  const auto refuse = [&](Symbol what, const LayerFormat& planned) {
    throw Error("usage",
                cat("the recipe asks for ", format.text(), ", and the plan has ", planned.text(), " for ", what.str()),
                "a recipe without \"precision\" and \"block_size\", or a plan that was made with this one");
  };
  for (const PlannedStub& stub : plan.stubs) {
    if (!stub.given && format.activation != stub.precision) refuse(stub.stub, {stub.precision, stub.precision, 0});
  }
  for (const PlannedWeight& weight : plan.weights) {
    if (!weight.quantized || (format.weight == weight.precision && format.block_size == weight.block_size)) continue;
    const std::optional<Precision> activation =
        weight.block_size > 0 ? std::nullopt : std::optional<Precision>(weight.precision);
    refuse(weight.layer, {activation, weight.precision, weight.block_size});
  }
}

}  // namespace

PlanFile plan_of(const std::filesystem::path& path) { return path.empty() ? PlanFile() : read_plan(path); }

std::shared_ptr<const Backend> backend_of(const BackendFlags& flags) {
  return flags.name.empty() ? get_backend() : backends().find(flags.name);
}

PatternSections patterns_of(const BackendFlags& flags) {
  return with_patterns(flags.patterns, graftwork::core::patterns_of(*backend_of(flags)));
}

TransformationResult transform_by(const PlanFile& plan, const GraphModule& module, const PatternSections& lists) {
  if (!plan.transformation) return graftwork::core::transform(module, lists);
  return apply_transformation_plan(module, *plan.transformation, lists);
}

QuantConfig recipe_of(const RecipeFlags& flags, const PlanFile& plan) {
  QuantConfig recipe = flags.file.empty() ? QuantConfig() : read_quant_config(flags.file);
  recipe.skip.stub.insert(recipe.skip.stub.end(), flags.skip_stub.begin(), flags.skip_stub.end());
  recipe.skip.weight.insert(recipe.skip.weight.end(), flags.skip_weight.begin(), flags.skip_weight.end());
  if (plan.stubs && !(recipe.skip.stub.empty() && recipe.skip.weight.empty())) {
    throw Error("usage", "the plan says what is quantized, and so do the modules to skip", "one of the two");
  }
  if (plan.stubs) refuse_other_formats(recipe, *plan.stubs);
  return recipe;
}

bool counts_for_weights(CalibrationMethod method) {
  return method == CalibrationMethod::kMinMax || method == CalibrationMethod::kMse;
}

QuantConfig recipe_of(const CalibrationFlags& flags, const PlanFile& plan) {
  QuantConfig recipe = recipe_of(flags.recipe, plan);
  if (flags.method) recipe.activation.calibration_method = *flags.method;
  if (flags.method && counts_for_weights(*flags.method)) recipe.weight.calibration_method = *flags.method;
  return recipe;
}

}  // namespace graftwork::core::cli
