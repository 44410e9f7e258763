// The scale table of a network that has just been quantized.
#pragma once

#include "graftwork/quant/quantize.h"
#include "graftwork/quant/scale_form.h"

namespace graftwork::core {

/// From scales, ranges and methods of the result; `network` is what was quantized, which may have brought scales. Lines
/// of the form's table keep what they say beside the scale; `means` are what the bias correction took.
ScaleTable make_scale_table(const Network& network, const QuantizationResult& result, const ScaleForm& form,
                            ChannelMeans means);

}  // namespace graftwork::core
