// One maker per file of this folder.
#pragma once

#include <memory>

#include "graftwork/patterns/placement/quantization_pattern.h"

namespace graftwork::core {

std::shared_ptr<const QuantizationPattern> make_residual_pattern();
std::shared_ptr<const QuantizationPattern> make_act_add_stubs_pattern();
std::shared_ptr<const QuantizationPattern> make_global_pool_pattern();
std::shared_ptr<const QuantizationPattern> make_concat_pattern();
std::shared_ptr<const QuantizationPattern> make_squeeze_excite_pattern();
std::shared_ptr<const QuantizationPattern> make_packed_product_pattern();
std::shared_ptr<const QuantizationPattern> make_angle_pattern();
std::shared_ptr<const QuantizationPattern> make_constant_layer_pattern();
std::shared_ptr<const QuantizationPattern> make_surround_with_quant_stubs_pattern();

}  // namespace graftwork::core
