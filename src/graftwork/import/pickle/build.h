// What the calls in a pickle of tensors make.
#pragma once

#include "graftwork/import/pickle/pickle.h"

namespace graftwork::core::pickle {

/// The result of calling the Callable `function` with the tuple `arguments`. Throws Error "pickle.format".
Value call(const Document& document, Ref function, Ref arguments);

/// The storage that a persistent id names: ('storage', type, key, location, count). Throws Error "pickle.format".
Value storage(const Document& document, Ref id);

}  // namespace graftwork::core::pickle
