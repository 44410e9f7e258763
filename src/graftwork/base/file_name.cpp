#include "graftwork/base/file_name.h"

#include <algorithm>

#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

void append_bytes(std::string& out, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
}

/// Of the character that UTF-8 begins so; a byte that begins none stands for itself.
size_t length_of_character(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

}  // namespace

std::string file_name(std::string_view name) {
  constexpr std::string_view kNever = "/\\:*?\"<>|%";
  std::string out;
  const bool is_folder =
      name.find_first_not_of('.') == std::string_view::npos;  // "", ".", "..", and what looks like it
  for (size_t begin = 0, length = 0; begin < name.size(); begin += length) {
    length = std::min(length_of_character(name[begin]), name.size() - begin);
    const std::string_view character = name.substr(begin, length);
    const bool is_kept = visible(character) == character && kNever.find(character) == std::string_view::npos;
    if (is_kept && !is_folder) {
      out += character;
    } else {
      append_bytes(out, character);
    }
  }
  return out;
}

}  // namespace graftwork::core
