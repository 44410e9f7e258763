// Scales as a file holds them: rounded to the type of its float regions.
#pragma once

#include <ATen/ATen.h>

#include <limits>

#include "graftwork/ir/module_table.h"

namespace graftwork::core {

inline constexpr float kSmallestHalf = 5.9604644775390625e-08F;  // 2⁻²⁴

/// What happens to a scale below FP16's normal numbers (2⁻¹⁴), where half precision loses bits.
enum class SmallScale : uint8_t {
  kWide,  ///< It stays FP32, and export writes a Cast behind its DQ.
  kHalf,  ///< It is rounded all the same: both operands of a product must have scales of one type.
};

/// Below it a scale is that of values which are as good as zero: FP32's smallest normal number.
inline constexpr float kLeastScale = std::numeric_limits<float>::min();

/// `scale` as a file with float regions of `float_type` (kF32, kF16, kBF16) holds it: positive, whatever rounding and
/// folding have made of it. Engines refuse 0 (rule V2).
float exported_scale(float scale, DType float_type, SmallScale small = SmallScale::kWide);
at::Tensor exported_scales(const at::Tensor& scales, DType float_type, SmallScale small = SmallScale::kWide);

/// Exported scales in the type that a file with such regions stores them in: that of the regions, but FP32 for those
/// that do not survive in FP16.
at::Tensor written_scales(const at::Tensor& scales, DType float_type);

/// Whether the scales survive in FP16.
bool fits_half(const at::Tensor& scales);

/// For a layer, where the engine's products take activation and weight scales of one type: convolutions take two.
SmallScale small_scale_of(const ModuleRecord& layer, bool products_take_one_type);

}  // namespace graftwork::core
