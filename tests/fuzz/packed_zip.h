// Archives taken apart and made again, so that a mutation of what an entry holds reaches whoever reads it: checksums
// and offsets are right whatever the entries are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace graftwork::core::fuzz {

struct ZipPart {
  std::string name;
  std::string body;
};

/// The stored entries of an archive; none where it is not one that can be read.
std::vector<ZipPart> unpacked(std::span<const uint8_t> archive);

/// An archive of stored entries, each of which begins at a multiple of 64, as torch writes them.
std::string packed(const std::vector<ZipPart>& parts);

}  // namespace graftwork::core::fuzz
