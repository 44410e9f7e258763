// Decompresses entries of a zip archive (zlib); for .npz files written with compression.
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

#include "graftwork/archive/zip_reader.h"

namespace graftwork::core {

/// Most bytes that one entry may unpack to. A file of a few megabytes can claim, and hold, a terabyte of zeros.
inline constexpr uint64_t kLargestInflated = uint64_t{4} << 30;

/// The decompressed bytes of one entry, or its first `limit` bytes. Memory grows with what really comes out, never
/// with what the directory claims. Throws Error "archive.missing", "archive.method" (compressed in a way that is not
/// deflate), "archive.too_large" (above kLargestInflated and `limit`), or "archive.corrupt" when the data is broken,
/// fails its checksum, or is not as long as the directory says.
std::vector<std::byte> inflate(const ZipReader& archive, std::string_view name,
                               size_t limit = std::numeric_limits<size_t>::max());

}  // namespace graftwork::core
