// FNV-1a, 64 bits: the same on every machine. hash_text (text.h) is that of one text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace graftwork::core {

inline constexpr uint64_t kHashOfNothing = 0xcbf29ce484222325ULL;

/// The hash of what `before` is the hash of, with `bytes` behind it.
inline uint64_t hash_on(uint64_t before, std::string_view bytes) {
  for (const char c : bytes) before = (before ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return before;
}

/// 16 hexadecimal digits.
std::string hash_digits(uint64_t hash);

}  // namespace graftwork::core
