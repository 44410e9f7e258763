// Everything that Graftwork has.
#pragma once

#include <graftwork/error.h>

#include <string_view>

namespace graftwork {

/// "0.1.0".
GRAFTWORK_API std::string_view version();

}  // namespace graftwork
