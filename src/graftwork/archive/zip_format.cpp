#include "graftwork/archive/zip_format.h"

#include <zlib.h>

namespace graftwork::core::zip {

uint32_t checksum(std::span<const std::byte> bytes, uint32_t before) {
  if (bytes.empty()) return before;  // zlib begins anew where there is no address
  return static_cast<uint32_t>(::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace graftwork::core::zip
