#include "graftwork/archive/crc32.h"

#include "unit/archive/zip_bytes.h"

namespace graftwork::core::zip {
namespace {

using namespace core::testing;

std::string some_bytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * i / 7 + 3 * i);
  return bytes;
}

TEST(Crc32, IsThatOfTheDefinition) {
  EXPECT_EQ(checksum(as_bytes(std::string("123456789"))), 0xcbf43926U);
  const std::string bytes = some_bytes(700);
  for (size_t begin = 0; begin < 17; ++begin) {
    for (size_t size = 0; size <= 300; ++size) {
      const std::string part = bytes.substr(begin, size);
      ASSERT_EQ(checksum(as_bytes(bytes).subspan(begin, size)), crc_of(part)) << begin << " " << size;
    }
  }
}

TEST(Crc32, GoesOnFromAnyPlace) {
  const std::string bytes = some_bytes(1000);
  const uint32_t whole = crc_of(bytes);
  for (size_t first = 0; first <= bytes.size(); first += 13) {
    const auto view = as_bytes(bytes);
    EXPECT_EQ(checksum(view.subspan(first), checksum(view.first(first))), whole) << first;
  }
}

}  // namespace
}  // namespace graftwork::core::zip
