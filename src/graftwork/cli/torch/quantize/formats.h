// What recipe and plan quantize layers to, and whether the file that is asked for can hold it.
#pragma once

#include "graftwork/export/lower.h"
#include "graftwork/place/plan_file.h"
#include "graftwork/place/quant_config.h"

namespace graftwork::core::cli {

/// Of weights: of those in the plan where it says them, else what the recipe asks for. Known before the network is.
std::vector<LayerFormat> weight_formats(const QuantConfig& recipe, const PlanFile& plan);

/// Throws Error "export.opset" where INT4 needs a higher opset than is asked for, "export.weights" where float weights
/// are, and there are other codes than INT8.
void check_formats(const std::vector<LayerFormat>& formats, const ExportOptions& options);

/// What the weights are stored as, for the report: "float", or the precisions, as "int8" or "fp8, int8".
std::string stored_weights(const StubPlan& plan, WeightForm form);

}  // namespace graftwork::core::cli
