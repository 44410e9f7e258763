// Sums with a mask that is a finite number.
#pragma once

#include "graftwork/export/lowering.h"

namespace graftwork::core {

/// The least number of a type swallows what is added to it, so that a row which is masked throughout has one value.
/// FP16's does not: behind a sum that was lowered, the mask is put back in its place. Other nodes stay as they are.
void keep_mask_whole(Lowering& lowering, const Node& node);

}  // namespace graftwork::core
