// The rungs from the network in floating point to its file, for people and for the report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/cli/requests.h"
#include "graftwork/quant/loss/divergence.h"
#include "graftwork/quant/loss/layer_losses.h"

namespace graftwork::core::cli {

struct OutputDistance {
  Symbol output;
  Difference against_float;
  Difference against_previous;
};

/// One step of the ladder.
struct Rung {
  std::string name;                          ///< "transformed", "quantized", "file".
  std::string previous;                      ///< The one before it.
  std::string left_out = {};                 ///< Why it was; the rest is empty then.
  std::vector<OutputDistance> outputs = {};  ///< Empty differences where shapes are others.
  std::optional<Divergence> first = {};      ///< Not for "quantized".
  std::optional<Losses> losses = {};         ///< Only for "quantized".
  std::string note = {};                     ///< What people have to know of it.
};

struct Ladder {
  int64_t samples = 0;
  std::vector<Rung> rungs;  ///< Behind "float".
};

/// A few lines for each rung: how far its outputs are, and where it parts from the one before.
std::string ladder_text(const CompareRequest& request, const Ladder& ladder);

Json ladder_json(const CompareRequest& request, const Ladder& ladder);

}  // namespace graftwork::core::cli
