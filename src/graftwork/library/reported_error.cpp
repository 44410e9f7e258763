#include "graftwork/library/reported_error.h"

#include <string>
#include <vector>

namespace graftwork::detail {
namespace {

constexpr std::string_view kBegin = "error[", kEndOfCode = "]: ", kPlace = "  at  ", kHint = "  try ", kMore = "      ";

/// Takes the first line away.
std::string_view next_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

std::optional<Error> reported_error(std::string_view text) {
  while (!text.starts_with(kBegin)) {
    if (text.empty()) return std::nullopt;
    next_line(text);
  }
  const std::string_view first = next_line(text);
  const size_t end = first.find(kEndOfCode);
  if (end == first.npos) return std::nullopt;
  std::string message(first.substr(end + kEndOfCode.size())), hint;
  std::vector<std::string> places;
  bool in_hint = false;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.starts_with(kHint) && !in_hint) {
      hint = line.substr(kHint.size());
      in_hint = true;
    } else if (line.starts_with(kPlace)) {
      places.emplace_back(line.substr(kPlace.size()));
    } else if (line.starts_with(kMore)) {  // of several lines
      (in_hint ? hint : message) += "\n" + std::string(line.substr(kMore.size()));
    }
  }
  Error error(std::string(first.substr(kBegin.size(), end - kBegin.size())), message, hint);
  for (std::string& place : places) error.at(std::move(place));
  return error;
}

}  // namespace graftwork::detail
