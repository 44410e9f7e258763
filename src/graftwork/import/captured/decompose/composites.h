// Operators of torch that are made of others, and have no meaning of their own for what comes after.
#pragma once

#include "graftwork/base/symbol.h"

namespace graftwork::core::captured {

/// Whether torch's own implementation of `op`, which calls other operators, takes its place. A list of names: what runs
/// while a file is opened is chosen, not whatever a file asks for.
bool is_composite(Symbol op);

}  // namespace graftwork::core::captured
