#include "graftwork/import/pt2/schema_json.h"

#include <array>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::pt2 {
namespace {

/// The position behind the string that opens at `open`.
size_t skip_string(std::string_view text, size_t open) {
  for (size_t at = open + 1; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return text.size();
}

/// Runs ahead of the parser, so that hostile nesting and millions of empty lists cost nothing but this scan.
void check_extent(std::string_view text) {
  int depth = 0;
  const size_t most = kMostJsonValues + text.size() / kBytesPerJsonValue;
  size_t values = 1;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    if ((c == '{' || c == '[' || c == ',') && ++values > most) {
      throw Error("pt2.json",
                  cat("the JSON holds more than ", most, " values in ", text.size(), " bytes, at byte ", at));
    }
    if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) {
        throw Error("pt2.json", cat("the JSON nests deeper than ", kMaxJsonDepth, " levels, at byte ", at));
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
    ++at;
  }
}

}  // namespace

std::optional<std::string> quote_non_finite(std::string_view text) {
  static constexpr std::array<std::string_view, 3> kTokens{"-Infinity", "Infinity", "NaN"};
  std::string out;
  size_t copied = 0;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = skip_string(text, at);
      continue;
    }
    size_t length = 1;
    for (const std::string_view token : kTokens) {
      if (!text.substr(at).starts_with(token)) continue;
      length = token.size();
      out.append(text.substr(copied, at - copied)).append(1, '"').append(token).append(1, '"');
      copied = at + length;
      break;
    }
    at += length;
  }
  if (copied == 0) return std::nullopt;
  out += text.substr(copied);
  return out;
}

nlohmann::json parse_json(std::string_view text) {
  check_extent(text);
  // The parser takes a zero byte for the end, whatever follows.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    throw Error("pt2.json", cat("the JSON is broken at byte ", zero, " of ", text.size()), "exporting the model again");
  }
  nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) return json;
  const std::optional<std::string> tolerant = quote_non_finite(text);
  const std::string_view strict = tolerant ? std::string_view(*tolerant) : text;
  try {
    return nlohmann::json::parse(strict);
  } catch (const nlohmann::json::exception& error) {
    const auto* parse_error = dynamic_cast<const nlohmann::json::parse_error*>(&error);
    throw Error("pt2.json",
                parse_error ? cat("the JSON is broken at byte ", parse_error->byte, " of ", strict.size())
                            : "the JSON holds a number that is too large",
                "exporting the model again");
  }
}

}  // namespace graftwork::core::pt2
