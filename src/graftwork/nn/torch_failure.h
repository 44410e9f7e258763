// What torch and the standard library throw, put into our words.
#pragma once

#include <string>

#include "graftwork/base/error.h"

namespace graftwork::core {

/// The exception that is being handled, as an Error with `code`, to which its place is added; to be called in `catch
/// (...)`. No memory, whoever found that there is none, has the code "memory". Throws on what is no failure of theirs:
/// Errors, InternalErrors, and what code of the caller's has thrown (Python's exceptions).
Error in_our_words(const char* code);

/// What it says, of an Error too: for whoever has words of his own for it, or goes on without the result. Throws what
/// in_our_words throws otherwise, and "memory".
std::string reason_of_failure();

/// What "memory" says.
Error memory_error();

}  // namespace graftwork::core
