// Whether files are still what they were.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace graftwork::core::cli {

/// Which file a name led to, and when it was last touched.
class FileState {
 public:
  /// Nothing where there is no file.
  static std::optional<FileState> of(const std::filesystem::path& path);
  /// A state that any later write changes: waits for the end of the tick of the clock that files are stamped by in
  /// which the last write began, and for whoever is writing just now. Throws Error "file.changed" where somebody goes
  /// on.
  static std::optional<FileState> settled(const std::filesystem::path& path);

  bool is_same_file(const FileState& other) const { return device_ == other.device_ && inode_ == other.inode_; }
  friend bool operator==(const FileState&, const FileState&) = default;

 private:
  explicit FileState(const struct stat& status);

  dev_t device_;
  ino_t inode_;
  off_t size_;
  int64_t modified_;  ///< Nanoseconds.
  int64_t changed_;   ///< Likewise, of the inode: nobody sets it back.
};

/// Files and folders of samples as they were when this was made.
class WatchedFiles {
 public:
  WatchedFiles() = default;
  /// Of a folder what it holds as samples. What is not there is left out: opening it says so.
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
