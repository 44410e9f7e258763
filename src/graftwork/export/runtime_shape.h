// Shapes that are known at run time only.
#pragma once

#include <string>

#include "graftwork/export/lowering.h"

namespace graftwork::core {

/// A 1-D INT64 value that holds the extents of `type`: a constant, or put together from the shapes of values that were
/// lowered before and have the same symbolic extents. Throws Error "export.shape" when no value has one of them.
std::string lower_shape(Lowering& lowering, const std::string& name, const TensorType& type);

}  // namespace graftwork::core
