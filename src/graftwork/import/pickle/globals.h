// The names that a pickle of tensors may import, and nothing else.
#pragma once

#include <string_view>

#include "graftwork/import/pickle/pickle.h"

namespace graftwork::core::pickle {

/// What `module`.`name` stands for: a Callable, StorageType or ElementType. Throws Error "pickle.global", which names
/// it, for everything that is not on the list.
Value find_global(std::string_view module, std::string_view name);

}  // namespace graftwork::core::pickle
