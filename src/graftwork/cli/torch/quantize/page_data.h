// What the page shows beside the report.
#pragma once

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/quant/quantize.h"

namespace graftwork::core::cli {

/// The report without what no node that is left is about, and with
///     "histograms": {STUB: {"width", "zeros", "bars": [counts]}}, of at most 96 bars, where magnitudes were counted,
///     "weight_scales": {"MODULE LAYER": {"channels", "profile": [at most 64, ascending]}}.
Json page_data(const Json& report, const QuantizationResult& result);

}  // namespace graftwork::core::cli
