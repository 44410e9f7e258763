// Reshapes to extents that may be known at run time only.
#pragma once

#include "graftwork/export/lowering.h"

namespace graftwork::core {

/// A Reshape from `from` to `to`. An extent that is symbolic in `to` and stands unchanged at the same place in
/// `from` is copied (0), one other symbolic extent is left open (−1). With more of them the target is put together at
/// run time (lower_shape). Throws Error "export.shape" when a shape is not known, or as lower_shape does.
std::string lower_reshape(Lowering& lowering, const std::string& name, const std::string& input, const Type& from,
                          const Type& to, const std::string& output);

}  // namespace graftwork::core
