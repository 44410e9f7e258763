#include "graftwork/base/hash.h"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace graftwork::core {

std::string hash_digits(uint64_t hash) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64, hash);
  return digits.data();
}

}  // namespace graftwork::core
