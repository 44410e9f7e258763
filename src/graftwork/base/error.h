// Failures that a user can meet, and the checks that guard our own invariants.
//
// "Does not apply" is never an error: it is an Outcome (outcome.h). "May be absent" is an optional or
// a pointer. What remains, bad input and a broken environment, is thrown as Error.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace graftwork {

/// A failure that the user can mend. `code` is a stable dotted name ("pt2.truncated"), `message` says
/// what is wrong, the context chain says where (innermost first), `hint` says what to do.
class Error : public std::runtime_error {
 public:
  Error(std::string code, std::string message, std::string hint = {});

  const std::string& code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const std::vector<std::string>& context() const { return context_; }

  /// Adds one line of "where" on the way up the stack and returns itself, so that
  /// `throw error.at("models/model.json")` and `catch (Error& e) { e.at(...); throw; }` both read well. The first
  /// place and the last are not told twice.
  Error& at(std::string where);

  /// The whole report, one fact a line:
  ///     error[pt2.truncated]: the archive ends inside entry "data/weights/weight_3"
  ///       at  resnet18.pt2
  ///       try exporting the model again
  const std::string& report() const { return what_; }

  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string code_;
  std::string message_;
  std::string hint_;
  std::vector<std::string> context_;
  std::string what_;
  size_t hint_begins_ = 0;  // in what_
};

/// A broken invariant: a defect of Graftwork, never of its input.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_assertion(const char* condition, const char* file, int line);

}  // namespace graftwork

/// Checks an invariant of our own in every build type; throws InternalError.
#define GRAFTWORK_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::graftwork::fail_assertion(#condition, __FILE__, __LINE__))
