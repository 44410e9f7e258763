// Reshapes, whose target may have one extent that is known at run time only.
#pragma once

#include "graftwork/export/lowering.h"

namespace graftwork {

/// A Reshape from `from` to `to`. An extent that is symbolic in `to` and stands unchanged at the same place in
/// `from` is copied (0), one other symbolic extent is left open (−1); more cannot be written: Error "export.shape".
std::string lower_reshape(Lowering& lowering, const std::string& name, const std::string& input, const Type& from,
                          const Type& to, const std::string& output);

}  // namespace graftwork
