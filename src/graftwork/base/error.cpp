#include "graftwork/base/error.h"

#include <string_view>

namespace graftwork {

Error::Error(std::string code, std::string message, std::string hint)
    : std::runtime_error(code), code_(std::move(code)), message_(std::move(message)), hint_(std::move(hint)) {
  what_ = report();
}

Error& Error::at(std::string where) {
  context_.push_back(std::move(where));
  what_ = report();
  return *this;
}

std::string Error::report() const {
  std::string text = "error[" + code_ + "]: " + message_;
  for (const std::string& where : context_) text += "\n  at  " + where;
  if (!hint_.empty()) text += "\n  try " + hint_;
  return text;
}

void fail_assertion(const char* condition, const char* file, int line) {
  const std::string_view path = file;
  const size_t slash = path.rfind("graftwork/");
  throw InternalError("internal error: " + std::string(condition) + " does not hold (" +
                      std::string(slash == std::string_view::npos ? path : path.substr(slash)) + ":" +
                      std::to_string(line) + ")");
}

}  // namespace graftwork
