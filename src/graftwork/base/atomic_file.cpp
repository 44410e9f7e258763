#include "graftwork/base/atomic_file.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/file_kind.h"
#include "graftwork/base/part_file.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr size_t kBufferSize = size_t{1} << 20;
/// Less what the process's mask takes.
constexpr mode_t kNewMode = 0666;

}  // namespace

std::filesystem::path behind_links(const std::filesystem::path& path) {
  constexpr int kMostLinks = 40;  // Linux's own limit
  std::filesystem::path at = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks; ++i) {
    if (!std::filesystem::is_symlink(at, error)) return at;
    const std::filesystem::path next = at.parent_path() / std::filesystem::read_symlink(at, error);
    if (error) break;
    // Links of /proc lead to what is open, whatever they say.
    if (std::filesystem::exists(at, error) && !std::filesystem::equivalent(at, next, error)) break;
    at = next;
  }
  return path;
}

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(behind_links(path)), folder_(path_.parent_path()) {
  if (!folder_.is_open()) fail(errno);
  const std::string name = path_.filename();
  if (name.empty()) fail(path_.empty() ? ENOENT : EISDIR);
  struct stat old {};
  const bool replaces = folder_.status(name, old);
  if (!replaces && errno != ENOENT) fail(errno);
  if (replaces) check_replaceable(name, old);
  open_part(name, replaces ? old.st_mode & 0777 : kNewMode);
  // A file that many may read stays one.
  if (replaces) static_cast<void>(::fchmod(fd_, old.st_mode & 0777));
}

AtomicFile::AtomicFile(const AtomicFile& other, const std::string& name)
    : path_(other.path_.parent_path() / name), folder_(other.folder_) {
  if (!folder_.is_open()) fail(errno);
  struct stat model {};
  if (::fstat(other.fd_, &model) != 0) fail(errno);
  open_part(name, model.st_mode & 0777);
  static_cast<void>(::fchmod(fd_, model.st_mode & 0777));
}

void AtomicFile::check_replaceable(const std::string& name, const struct stat& old) const {
  const auto refuse = [&](std::string_view what) {
    throw Error("file.unwritable", cat("cannot write ", path_.string(), ": it is ", what), "another name");
  };
  struct stat behind {};
  if (S_ISLNK(old.st_mode) && ::stat(path_.c_str(), &behind) != 0) fail(errno);
  if (S_ISLNK(old.st_mode)) refuse(S_ISREG(behind.st_mode) ? "a file without a name" : file_kind(behind.st_mode));
  if (!S_ISREG(old.st_mode)) refuse(file_kind(old.st_mode));
  if (!folder_.may_write(name)) fail(errno);
  if (!folder_.may_replace(name)) fail(EPERM);
  if (folder_.is_mount_point(name)) refuse("a mount point");
}

/// `mode` also before a word of it is written: a file that few may read has no successor that others read meanwhile.
void AtomicFile::open_part(const std::string& name, mode_t mode) {
  remove_leftovers(folder_, name);
  fd_ = make_part(folder_, name, mode, part_);
  if (fd_ < 0) fail(errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  folder_.remove(part_);
  ::close(fd_);
}

void AtomicFile::fail(int error) const {
  const std::string message = "cannot write " + path_.string() + ": " + std::generic_category().message(error);
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw Error("file.unwritable", message, is_full ? "freeing disk space" : "another folder, or its permissions");
}

void AtomicFile::flush(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void AtomicFile::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() < kBufferSize) {
    buffer_ += bytes;
    return;
  }
  flush(buffer_);
  buffer_.clear();
  flush(bytes);
}

void AtomicFile::finish() {
  flush(std::exchange(buffer_, {}));
  // Some file systems only now say that there is no room; and a name must not survive a crash that its bytes do not.
  if (::fsync(fd_) != 0) fail(errno);
}

void AtomicFile::commit() { commit_as(path_.filename()); }

void AtomicFile::commit_as(const std::string& name) {
  finish();
  if (!folder_.rename(part_, name)) fail(errno);
  folder_.sync();
  ::close(fd_);
  fd_ = -1;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace graftwork::core
