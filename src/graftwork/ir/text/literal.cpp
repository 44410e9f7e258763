#include "graftwork/ir/text/literal.h"

#include <charconv>

#include "graftwork/ir/type.h"

namespace graftwork::core {
namespace {

/// The whole text as a number.
template <class Number>
std::optional<Number> number_in(const std::string& text) {
  Number number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<Attribute> parse_literal(const Token& token) {
  if (token.kind == TokenKind::kString) return Attribute(token.text);
  if (token.text == "none") return Attribute();
  if (token.text == "true") return Attribute(true);
  if (token.text == "false") return Attribute(false);
  if (const auto dtype = parse_dtype(token.text)) return Attribute(*dtype);
  if (const auto whole = number_in<int64_t>(token.text)) return Attribute(*whole);
  if (const auto real = number_in<double>(token.text)) return Attribute(*real);
  return std::nullopt;
}

std::optional<int64_t> parse_integer(const Token& token) {
  return token.kind == TokenKind::kNumber ? number_in<int64_t>(token.text) : std::nullopt;
}

}  // namespace graftwork::core
