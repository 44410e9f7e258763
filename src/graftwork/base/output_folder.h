// The folder that a file is written into.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

namespace graftwork::core {

/// A folder, held open: names in it go on meaning the same where folders above it are moved, and links that led here
/// are changed, while a file is written. Functions that can fail return as those of the system do, with errno.
class OutputFolder {
 public:
  /// `path` "" is the current folder. Where it cannot be opened, `is_open` is false, and errno says why.
  explicit OutputFolder(const std::filesystem::path& path);
  ~OutputFolder();
  /// The same folder, held once more.
  OutputFolder(const OutputFolder& other);
  OutputFolder& operator=(const OutputFolder&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int open(const std::string& name, int flags, mode_t mode = 0) const;
  /// Of the name itself where it is a link.
  bool status(const std::string& name, struct stat& status) const;
  /// Whether this user may write to the file: who must not write to it is not to replace it either.
  bool may_write(const std::string& name) const;
  /// Whether the folder lets this user put another file into the place of that one: one like /tmp does so to few.
  bool may_replace(const std::string& name) const;
  /// What is mounted somewhere cannot be replaced there.
  bool is_mount_point(const std::string& name) const;
  bool rename(const std::string& from, const std::string& to) const;
  void remove(const std::string& name) const;
  /// Whether `fd` is the file that stands at the name.
  bool holds(int fd, const std::string& name) const;
  /// Empty where the folder may be written but not listed.
  std::vector<std::string> names() const;
  /// Makes renames last through a loss of power, where the file system can.
  void sync() const;

  /// Nobody else holds the folder's lock while this lives. It goes with the process, however that ends, and leaves
  /// nothing behind.
  class Lock {
   public:
    /// Waits for others, who have it for moments; true once it is held, or where the file system has no locks.
    explicit Lock(const OutputFolder& folder);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    /// False where somebody has kept it for kLongestWait.
    bool is_held() const { return is_held_; }

   private:
    int fd_;
    bool is_held_ = false;
  };

 private:
  int fd_;
};

}  // namespace graftwork::core
