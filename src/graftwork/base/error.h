// Failures that a user can meet, and the checks that guard our own invariants.
//
// "Does not apply" is never an error: it is an Outcome (outcome.h). "May be absent" is an optional or
// a pointer. What remains, bad input and a broken environment, is thrown as Error.
#pragma once

#include <graftwork/error.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace graftwork::core {

using graftwork::Error;

/// A broken invariant: a defect of Graftwork, never of its input.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_assertion(const char* condition, const char* file, int line);

}  // namespace graftwork::core

/// Checks an invariant of our own in every build type; throws InternalError.
#define GRAFTWORK_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::graftwork::core::fail_assertion(#condition, __FILE__, __LINE__))
