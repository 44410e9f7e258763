// How good a quantized network is, for people and for the report.
#pragma once

#include <string>
#include <vector>

#include "graftwork/cli/reports/report_json.h"
#include "graftwork/quant/loss/layer_losses.h"

namespace graftwork::core::cli {

/// "38.2 dB"; "nothing lost" and "not finite" where it is infinite.
std::string decibels(double value);
/// To two digits behind the point; null where nothing differs.
Json decibels_json(double value);
/// With four digits, or so many that it does not read 1 unless it is.
std::string cosine_text(double cosine);

/// "output: 38.2 dB, cosine 0.99992", a line for each.
std::vector<std::string> output_lines(const Losses& losses);

/// The five kernels that lose most: "layer4.1.conv2  24.1 dB by itself, 21.5 dB with all before it".
std::vector<std::string> kernel_lines(const Losses& losses);

/// {"samples": 4, "outputs": [{"output", "sqnr_db", "cosine"}], "kernels": [{"module", "layer", "value",
/// "own_sqnr_db", "sqnr_db"}]}; dB are null where nothing differs.
Json losses_json(const Losses& losses);

}  // namespace graftwork::core::cli
