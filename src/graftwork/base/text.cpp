#include "graftwork/base/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <utility>

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

namespace {

/// Bytes of the code point that `text` begins with, 1 where they are no UTF-8; and whether it may be seen.
std::pair<size_t, bool> first_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {1, byte(0) >= 0x20 && byte(0) != 0x7f};
  const size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return {1, false};
  uint32_t code = byte(0) & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {1, false};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (is_overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {1, false};
  constexpr std::pair<uint32_t, uint32_t> kHidden[] = {
      {0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e},   {0x200b, 0x200f},  {0x2028, 0x202e},
      {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0x1bca0, 0x1bca3}, {0xe0000, 0xe0fff}};
  const auto holds = [code](const auto& range) { return code >= range.first && code <= range.second; };
  return {length, std::none_of(std::begin(kHidden), std::end(kHidden), holds)};
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
}

}  // namespace

std::string visible(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [length, is_seen] = first_character(text);
    if (is_seen || (keep_lines && text[0] == '\n')) {
      out += text.substr(0, length);
    } else {
      append_escaped(out, text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto [length, is_seen] = first_character(text);
    const std::string_view character = text.substr(0, length);
    if (character == "\n") {
      out += "\\n";
    } else if (character == "\t") {
      out += "\\t";
    } else if (is_seen) {
      if (character == "\"" || character == "\\") out += '\\';
      out += character;
    } else {
      append_escaped(out, character);
    }
    text.remove_prefix(length);
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
  static constexpr std::array<const char*, 7> kUnits{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
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
