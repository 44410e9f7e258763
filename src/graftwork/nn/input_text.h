// What messages call an input.
#pragma once

#include <string>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// "input x"; "the input" for the one that is called so.
inline std::string input_text(Symbol name) { return name.str() == "input" ? "the input" : "input " + name.str(); }

}  // namespace graftwork::core
