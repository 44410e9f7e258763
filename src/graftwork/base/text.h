// Small text functions that every layer shares.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace graftwork::core {

/// How `cat` prints one part: text as it is, integers in decimal, anything else as a stream would.
template <class Part>
void append(std::string& text, const Part& part) {
  if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
    text += std::string_view(part);
  } else if constexpr (std::is_same_v<Part, char>) {
    text += part;
  } else if constexpr (std::is_integral_v<Part> && !std::is_same_v<Part, bool>) {
    std::array<char, 24> digits{};
    text.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), part).ptr);
  } else {
    std::ostringstream out;
    out << part;
    text += std::move(out).str();
  }
}

/// How much room `cat` makes for one part.
template <class Part>
constexpr size_t room_for(const Part& part) {
  if constexpr (std::is_convertible_v<const Part&, std::string_view>) return std::string_view(part).size();
  return 8;
}

/// Joins the printed forms of its arguments: `cat("axis ", 3, " is out of range")`.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string text;
  text.reserve((room_for(parts) + ... + 0));
  (append(text, parts), ...);
  return text;
}

/// "a, b, c".
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

/// Shortest decimal that reads back as the same double; always shows that it is not an integer
/// ("1.0", "1e-05", "inf", "nan").
std::string shortest(double value);

/// `text` in double quotes, with quotes, backslashes and what `visible` escapes escaped.
std::string quoted(std::string_view text);

/// `text` as it may be shown to people: control characters, the marks of Unicode that turn text around or hide it, and
/// bytes that are no UTF-8 become \xNN, byte by byte. Names in files are anybody's: on a terminal they could clear the
/// screen, and in a message they could look like another one.
std::string visible(std::string_view text, bool keep_lines = false);

/// "FusedConvBNAct" → "fused_conv_bn_act".
std::string snake_case(std::string_view camel_case);

/// FNV-1a, 64 bits: the same on every machine.
uint64_t hash_text(std::string_view text);

/// "1,234 kB"-style figure for people: bytes → "12.3 MB".
std::string human_bytes(uint64_t bytes);

/// "1 stub", "3 stubs".
std::string counted(size_t count, std::string_view noun);

}  // namespace graftwork::core
