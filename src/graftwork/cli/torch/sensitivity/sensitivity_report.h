// What each layer costs, for people and for the report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/cli/requests.h"
#include "graftwork/quant/sensitivity/skip_selection.h"

namespace graftwork::core::cli {

/// What became of --target-sqnr or --budget.
struct SkipOutcome {
  SkippedLayers chosen;            ///< With what they leave by the measured networks.
  std::vector<std::string> names;  ///< As the recipe names them.
  Effect reached;                  ///< What quantizing with the recipe gives.
};

/// Layers, the worst first, by what `rank` says of each alone; equal ones in the order of the network.
std::vector<size_t> ranked(const Sensitivity& sensitivity, SensitivityRank rank);

/// A table of the ten worst, and what was found out beside it.
std::string sensitivity_summary(const SensitivityRequest& request, const Sensitivity& sensitivity,
                                const std::optional<SkipOutcome>& outcome);

/// All layers, ranked, with their rank by each measure.
Json sensitivity_json(const SensitivityRequest& request, const Sensitivity& sensitivity,
                      const std::optional<SkipOutcome>& outcome);

}  // namespace graftwork::core::cli
