#include "graftwork/base/error.h"

#include <string_view>

#include "graftwork/base/text.h"

namespace graftwork {
namespace {

/// No line of a message begins as one of the report's own does: what it quotes may come from a file.
std::string indented(std::string text) {
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) text.insert(at + 1, 6, ' ');
  return text;
}

}  // namespace

Error::Error(std::string code, std::string message, std::string hint)
    : std::runtime_error(code),
      code_(std::move(code)),
      message_(core::visible(message, true)),
      hint_(core::visible(hint, true)) {
  what_ = "error[" + code_ + "]: " + indented(message_);
  hint_begins_ = what_.size();
  if (!hint_.empty()) what_ += "\n  try " + indented(hint_);
}

Error::Error(const Error&) = default;
Error& Error::operator=(const Error&) = default;
Error::~Error() = default;

const char* Error::what() const noexcept { return what_.c_str(); }

Error& Error::at(std::string where) {
  where = core::visible(where);
  // A file's name is added by whoever opened it and by whoever asked for that.
  if (!context_.empty() && (context_.front() == where || context_.back() == where)) return *this;
  const std::string line = "\n  at  " + where;
  what_.insert(hint_begins_, line);
  hint_begins_ += line.size();
  context_.push_back(std::move(where));
  return *this;
}

namespace core {

void fail_assertion(const char* condition, const char* file, int line) {
  const std::string_view path = file;
  const size_t slash = path.rfind("graftwork/");
  throw InternalError("internal error: " + std::string(condition) + " does not hold (" +
                      std::string(slash == std::string_view::npos ? path : path.substr(slash)) + ":" +
                      std::to_string(line) + ")");
}

}  // namespace core
}  // namespace graftwork
