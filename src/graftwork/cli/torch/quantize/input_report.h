// What the inputs look like, for the report.
#pragma once

#include <vector>

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/quant/inputs/input_facts.h"

namespace graftwork::core::cli {

/// [{"input", "min", "max", "mean", "std", "expected"}]; "expected" has the batch norm and how far the data are from
/// it.
Json inputs_json(const std::vector<InputFacts>& inputs);

}  // namespace graftwork::core::cli
