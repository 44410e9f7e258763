#include "graftwork/base/output_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

namespace graftwork::core {
namespace {

/// Two renames take milliseconds, a look at the models of a folder rarely a second.
constexpr std::chrono::seconds kLongestWait{5};
constexpr std::chrono::milliseconds kBetweenTries{5};

}  // namespace

OutputFolder::OutputFolder(const std::filesystem::path& path)
    : fd_(::open(path.empty() ? "." : path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

OutputFolder::OutputFolder(const OutputFolder& other) : fd_(::fcntl(other.fd_, F_DUPFD_CLOEXEC, 0)) {}

OutputFolder::~OutputFolder() {
  if (fd_ >= 0) ::close(fd_);
}

int OutputFolder::open(const std::string& name, int flags, mode_t mode) const {
  return ::openat(fd_, name.c_str(), flags | O_CLOEXEC, mode);
}

bool OutputFolder::status(const std::string& name, struct stat& status) const {
  return ::fstatat(fd_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool OutputFolder::may_write(const std::string& name) const {
  return ::faccessat(fd_, name.c_str(), W_OK, AT_EACCESS) == 0;
}

bool OutputFolder::may_replace(const std::string& name) const {
  struct stat folder {};
  if (::fstat(fd_, &folder) != 0 || (folder.st_mode & S_ISVTX) == 0 || folder.st_uid == ::geteuid()) return true;
  // Reading without a stamp is for those who may replace it too: its owner, and who may act as one.
  const int fd = open(name, O_RDONLY | O_NOATIME | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno != EPERM;
  ::close(fd);
  return true;
}

bool OutputFolder::is_mount_point(const std::string& name) const {
  struct statx facts {};
  return ::statx(fd_, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &facts) == 0 &&
         (facts.stx_attributes & facts.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool OutputFolder::rename(const std::string& from, const std::string& to) const {
  return ::renameat(fd_, from.c_str(), fd_, to.c_str()) == 0;
}

void OutputFolder::remove(const std::string& name) const { ::unlinkat(fd_, name.c_str(), 0); }

bool OutputFolder::holds(int fd, const std::string& name) const {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && status(name, named) && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

std::vector<std::string> OutputFolder::names() const {
  std::vector<std::string> names;
  const int fd = open(".", O_RDONLY | O_DIRECTORY);
  if (fd < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), ::closedir);
  if (!entries) {
    ::close(fd);
    return names;
  }
  while (const dirent* entry = ::readdir(entries.get())) names.emplace_back(entry->d_name);
  return names;
}

void OutputFolder::sync() const {
  const int fd = open(".", O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

OutputFolder::Lock::Lock(const OutputFolder& folder) : fd_(folder.open(".", O_RDONLY | O_DIRECTORY)) {
  const auto end = std::chrono::steady_clock::now() + kLongestWait;
  while (fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    if (std::chrono::steady_clock::now() > end) return;
    std::this_thread::sleep_for(kBetweenTries);
  }
  is_held_ = true;
}

OutputFolder::Lock::~Lock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace graftwork::core
