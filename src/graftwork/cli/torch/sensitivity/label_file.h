// Classes of samples, from a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace graftwork::core::cli {

/// An .npy file of whole numbers, one for each sample; nothing for an empty path. Throws Error "data.labels" for other
/// types and shapes, and what read_npy throws.
std::vector<int64_t> read_labels(const std::filesystem::path& path);

}  // namespace graftwork::core::cli
