// Which file a name led to, and when it was last touched.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>

namespace graftwork::core {

int64_t nanoseconds(const timespec& time);

class FileState {
 public:
  /// Nothing where there is no file.
  static std::optional<FileState> of(const std::filesystem::path& path);
  /// Of one that is open; nothing where that is no plain file.
  static std::optional<FileState> of_plain(int fd);

  bool is_same_file(const FileState& other) const { return device_ == other.device_ && inode_ == other.inode_; }
  /// Of the inode, in nanoseconds: nobody sets it back.
  int64_t changed_at() const { return changed_; }
  friend bool operator==(const FileState&, const FileState&) = default;

 private:
  explicit FileState(const struct stat& status);

  dev_t device_;
  ino_t inode_;
  off_t size_;
  int64_t modified_;
  int64_t changed_;
};

}  // namespace graftwork::core
