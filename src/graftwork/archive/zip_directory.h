// Parses and checks the directory of a zip archive; ZipReader is its only user.
#pragma once

#include <span>
#include <vector>

#include "graftwork/archive/zip_reader.h"

namespace graftwork::core::zip {

/// Every entry, folders too, in the order of the directory. Throws as ZipReader's constructor does, but for
/// "archive.duplicate".
std::vector<ZipEntry> read_directory(std::span<const std::byte> bytes);

}  // namespace graftwork::core::zip
