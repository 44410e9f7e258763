#include "graftwork/base/file_state.h"

namespace graftwork::core {

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

FileState::FileState(const struct stat& status)
    : device_(status.st_dev),
      inode_(status.st_ino),
      size_(status.st_size),
      modified_(nanoseconds(status.st_mtim)),
      changed_(nanoseconds(status.st_ctim)) {}

std::optional<FileState> FileState::of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileState(status);
}

std::optional<FileState> FileState::of_plain(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return FileState(status);
}

}  // namespace graftwork::core
