// What goes wrong inside torch, in our words.
#pragma once

#include <string>

namespace graftwork::core {

/// For the handler of an exception that a kernel of torch may have thrown: what it says. Torch has its own class for
/// that, but libraries below it and conversions of numbers throw those of the standard library. Rethrows what is no
/// kernel's: InternalError, and that there is no memory.
std::string kernel_failure();

}  // namespace graftwork::core
