// The operators that a network may call at all. Torch's dispatcher knows some 2,500 by name; many of them trust their
// arguments, because nothing but torch itself was meant to call them.
#pragma once

#include <string>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// Whether a network may call `op`: one of those that may run while a file is opened (allowed_operators.h), that have a
/// form in ONNX, or that exported networks contain in front of them. It writes to none of its arguments.
bool may_run(Symbol op);

/// What is said of an operator that may not.
std::string why_it_does_not_run(Symbol op);

}  // namespace graftwork::core
