// Plans and patterns in the subcommands: what `--plan` and `--patterns` give, and transforming by it.
#pragma once

#include "graftwork/cli/requests.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/plan_file.h"

namespace graftwork::core::cli {

/// An empty plan where there is no file. Throws what read_plan does.
PlanFile plan_of(const std::filesystem::path& path);

/// Throws Error "backend.*".
std::shared_ptr<const Backend> backend_of(const BackendFlags& flags);

/// The lists of the backend with the user's patterns in front. Throws Error "backend.*", "gpat.syntax",
/// "patterns.name", "file.*".
PatternSections patterns_of(const BackendFlags& flags);

/// By the plan where it says how, else as `transform` decides.
TransformationResult transform_by(const PlanFile& plan, const GraphModule& module, const PatternSections& lists);

/// The recipe that the flags describe. Throws Error "config.*", "file.*"; "usage" where plan and flags both say what is
/// quantized, or to what, and differ.
QuantConfig recipe_of(const RecipeFlags& flags, const PlanFile& plan);
/// Whether `--calibration-method` sets that of weights, too.
bool counts_for_weights(CalibrationMethod method);

/// The same recipe with the method that the user asks for.
QuantConfig recipe_of(const CalibrationFlags& flags, const PlanFile& plan);

}  // namespace graftwork::core::cli
