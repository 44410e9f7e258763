// The page for people: one file that needs nothing else, no network either. What it shows lies in it as JSON; its
// scripts, beside this file, draw that.
#pragma once

#include <string>

#include "graftwork/cli/reports/report_json.h"

namespace graftwork::core::cli {

/// `data`: the report of `quantize`, with "network" (network_json.h), and what page_data.h adds. Nothing that it holds
/// can be taken for markup. The same bytes for the same data.
std::string page_html(const Json& data);

}  // namespace graftwork::core::cli
