// The rooms below say what mends a failure in terms that hold for whoever calls them; the command adds its options.
#pragma once

#include "graftwork/base/error.h"

namespace graftwork::core::cli {

/// The same failure; where options of the command do what its hint says, with them behind the hint.
Error with_options(const Error& error);

}  // namespace graftwork::core::cli
