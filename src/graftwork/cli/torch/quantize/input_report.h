// What the inputs look like, for the report.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/quant/inputs/input_facts.h"

namespace graftwork::core::cli {

/// [{"input", "min", "max", "mean", "std", "expected"}]; "expected" has the batch norm and how far the data are from
/// it.
Json inputs_json(const std::vector<InputFacts>& inputs);

/// The options that change how pictures become numbers, where the data have some and an input is not as in training.
std::vector<std::string> picture_warnings(const std::vector<InputFacts>& inputs, const std::filesystem::path& data);

}  // namespace graftwork::core::cli
