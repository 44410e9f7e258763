// What scales have to be like in the file.
#pragma once

#include "graftwork/ir/type.h"
#include "graftwork/quant/scale_table.h"

namespace graftwork::core {

/// Scales are rounded by it before anything uses them.
struct ScaleForm {
  DType float_type = DType::kF16;  ///< Of the float regions.
  bool keeps_batch_norm = false;   ///< Batch norms are not folded into weights.
  bool one_type = false;           ///< FileRules::products_take_scales_of_one_type
  /// Scales that hold instead of what data and weights say; null: none.
  const ScaleTable* table = nullptr;
  std::string rescaling = {};  ///< ScaleTable::rescaling
};

}  // namespace graftwork::core
