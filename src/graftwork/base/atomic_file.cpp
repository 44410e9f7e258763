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

}  // namespace

std::filesystem::path behind_links(const std::filesystem::path& path) {
  constexpr int kMostLinks = 40;  // Linux's own limit
  std::filesystem::path at = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks; ++i) {
    if (!std::filesystem::is_symlink(at, error)) return at;
    at = at.parent_path() / std::filesystem::read_symlink(at, error);
    if (error) break;
  }
  return path;
}

AtomicFile::AtomicFile(const std::filesystem::path& path, const std::filesystem::path& permissions_of)
    : path_(behind_links(path)), folder_(path_.parent_path()) {
  if (!folder_.is_open()) fail(errno);
  const std::string name = path_.filename();
  if (name.empty()) fail(path_.empty() ? ENOENT : EISDIR);
  struct stat old {};
  const bool replaces = folder_.status(name, old);
  if (!replaces && errno != ENOENT) fail(errno);
  if (replaces && S_ISLNK(old.st_mode)) fail(ELOOP);
  if (replaces && !S_ISREG(old.st_mode)) {
    throw Error("file.unwritable", cat("cannot write ", path_.string(), ": it is ", file_kind(old.st_mode)));
  }
  remove_leftovers(folder_, name);
  fd_ = make_part(folder_, name, part_);
  if (fd_ < 0) fail(errno);
  // A file that few may read stays one.
  const bool has_model = permissions_of.empty() ? replaces : ::stat(permissions_of.c_str(), &old) == 0;
  if (has_model) static_cast<void>(::fchmod(fd_, old.st_mode & 0777));
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
  ::close(fd_);
  fd_ = -1;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace graftwork::core
