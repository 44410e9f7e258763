// Where an ONNX file comes from, told in the file itself. The same network, recipe and data tell the same: no times, no
// paths, no version (that stands beside, as producer_version).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graftwork/quant/quantize.h"

namespace graftwork::core {

/// How the scales of activations, or of weights, were found: "mse"; several where a table of scales mixes them; what
/// the recipe says where there is none or the network brought all.
std::string activation_methods(const QuantizationResult& result);
std::string weight_methods(const QuantizationResult& result);

/// Key and value, as metadata_props of a file has them: samples and methods of the calibration, a digest of the
/// recipe's numbers, and one of what is quantized, whichever of recipe and plan says so.
std::vector<std::pair<std::string, std::string>> provenance(const QuantizationResult& result,
                                                            const QuantConfig& recipe);

}  // namespace graftwork::core
