// The checksum of the zip format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace graftwork::core::zip {

/// CRC-32 (polynomial 0x04c11db7, reflected), or that of what `before` is the checksum of with `bytes` behind it. By
/// carry-less multiplication where the processor has one, which reads as fast as memory gives; else zlib's.
uint32_t checksum(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace graftwork::core::zip
