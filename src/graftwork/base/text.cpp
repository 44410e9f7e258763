#include "graftwork/base/text.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "graftwork/base/hash.h"
#include "graftwork/base/number_text.h"

namespace graftwork::core {

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

std::string shortest(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned char>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string snake_case(std::string_view camel_case) {
  // A new word starts at a capital that follows a small letter or digit, and at the last capital of a
  // run that a small letter follows: "FusedConvBNAct" has the words Fused Conv BN Act.
  const auto upper = [&](size_t i) { return camel_case[i] >= 'A' && camel_case[i] <= 'Z'; };
  const auto lower = [&](size_t i) { return camel_case[i] >= 'a' && camel_case[i] <= 'z'; };
  std::string out(2 * camel_case.size(), '\0');
  size_t length = 0;
  for (size_t i = 0; i < camel_case.size(); ++i) {
    if (!upper(i)) {
      out[length++] = camel_case[i];
      continue;
    }
    const bool follows_word = i > 0 && camel_case[i - 1] != '_' && !upper(i - 1);
    const bool ends_run = i > 0 && i + 1 < camel_case.size() && upper(i - 1) && lower(i + 1);
    if (follows_word || ends_run) out[length++] = '_';
    out[length++] = static_cast<char>(camel_case[i] - 'A' + 'a');
  }
  out.resize(length);
  return out;
}

uint64_t hash_text(std::string_view text) { return hash_on(kHashOfNothing, text); }

std::string human_bytes(uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return cat(fixed(value, unit == 0 ? 0 : 1), " ", kUnits[unit]);
}

std::string counted(size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace graftwork::core
