// The layers of a network that quantization concerns, one by one.
#pragma once

#include <vector>

#include "graftwork/quant/quantize.h"

namespace graftwork::core {

/// A kernel that reads INT8 or whose weight is rounded.
struct QuantizedLayer {
  Symbol module;       ///< Its path.
  Symbol layer;        ///< Path of its first layer, which a recipe may name; its own where it has none.
  double clipped = 0;  ///< Share of the values beyond the range, of the stub where it is largest; on calibration data.
};

/// In the order in which the network calls them. What the network brought with its scales is no decision, and left out.
std::vector<QuantizedLayer> quantized_layers(const QuantizationResult& result);

}  // namespace graftwork::core
