// Whether files are still what they were.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "graftwork/base/file_state.h"

namespace graftwork::core::cli {

/// Files and folders of samples as they were when this was made.
class WatchedFiles {
 public:
  WatchedFiles() = default;
  /// Of a folder what it holds as samples. What is not there is left out: opening it says so. Waits until any later
  /// write changes a file's state: for the end of the tick of the clock that files are stamped by in which the last
  /// write began, and for whoever is writing just now. Throws Error "file.changed" where somebody goes on.
  explicit WatchedFiles(const std::vector<std::filesystem::path>& paths);

  /// The first that is another file now, or was written to: size, inode, and the times of file and inode are compared.
  std::optional<std::filesystem::path> changed() const;
  /// Throws Error "file.changed".
  void check_unchanged() const;
  /// Which of the paths that this was made of leads to it; nothing where none does.
  std::optional<std::filesystem::path> source_of(const FileState& file) const;

 private:
  struct Watched {
    std::filesystem::path path;
    std::filesystem::path source;  ///< Itself, or the folder that it was found in.
    FileState state;
  };
  std::vector<Watched> files_;
};

}  // namespace graftwork::core::cli
