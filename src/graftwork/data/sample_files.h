// Which files of a folder are samples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace graftwork::core {

/// Either arrays or pictures; never both, never neither.
struct SampleFiles {
  std::vector<std::filesystem::path> arrays;  ///< .npy, .npz
  std::vector<std::filesystem::path> images;  ///< .jpg, .jpeg, .png
  int64_t skipped = 0;                        ///< Hidden entries and files of other kinds.
};

/// A file by itself, or the files of a folder and of the folders in it, sorted by path (links to folders are not
/// followed). Throws Error "file.missing", "file.unreadable", "data.format" (a file of another kind), "data.empty" (a
/// folder without samples), "data.mixed" (arrays and pictures in one folder).
SampleFiles find_sample_files(const std::filesystem::path& path);

}  // namespace graftwork::core
