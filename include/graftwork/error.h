// What every failure of Graftwork looks like to its caller.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

/// What the shared library exports. Everything without it is hidden.
#define GRAFTWORK_API __attribute__((visibility("default")))

namespace graftwork {

/// A failure that the user can mend. `code` is a stable dotted name ("pt2.truncated"), `message` says
/// what is wrong, the context chain says where (innermost first), `hint` says what to do.
class GRAFTWORK_API Error : public std::runtime_error {
 public:
  Error(std::string code, std::string message, std::string hint = {});
  Error(const Error&);
  Error& operator=(const Error&);
  ~Error() override;

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

  const char* what() const noexcept override;

 private:
  std::string code_;
  std::string message_;
  std::string hint_;
  std::vector<std::string> context_;
  std::string what_;
  size_t hint_begins_ = 0;  // in what_
};

}  // namespace graftwork
