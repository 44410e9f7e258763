// What a call that writes in place writes, as calls that do not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graftwork/base/symbol.h"
#include "graftwork/import/captured/functional/emitter.h"

namespace graftwork::core::captured {

/// Names of the arguments that the operator writes to, in the order of its schema; empty when it writes to none.
std::vector<std::string> written_arguments(Symbol op);

/// Emits the values that `call` gives to the arguments that it writes to, with their shapes and element types, in the
/// order of `written_arguments`. Its inputs already name current values; `targets` are the types of what is written.
/// On failure returns nothing and says why in `problem`.
std::optional<std::vector<std::string>> written_values(Emitter& emitter, const Call& call,
                                                       const std::vector<TensorMeta>& targets, std::string& problem);

}  // namespace graftwork::core::captured
