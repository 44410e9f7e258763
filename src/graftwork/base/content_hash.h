// A name for much data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace graftwork::core {

/// 64 bits that differ where the bytes do, but for chance; several GB a second. The same on every machine, and not
/// meant against people who choose the bytes.
uint64_t content_hash(std::span<const std::byte> bytes);

}  // namespace graftwork::core
