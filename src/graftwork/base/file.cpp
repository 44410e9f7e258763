#include "graftwork/base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr size_t kBufferSize = size_t{1} << 20;
/// Processes that may write one file at a time; beyond it something is wrong.
constexpr int kMostWriters = 16;

std::string reason(int error) { return std::generic_category().message(error); }

/// What stands where a plain file is wanted.
std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

[[noreturn]] void throw_unreadable(const std::filesystem::path& path, int error) {
  if (error == ENOENT) throw Error("file.missing", "there is no file " + path.string(), "checking the path");
  throw Error("file.unreadable", "cannot read " + path.string() + ": " + reason(error));
}

/// A plain file, open for reading. Opening a pipe without O_NONBLOCK would wait for whoever writes into it.
class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
    if (fd_ < 0) throw_unreadable(path, errno);
    struct stat status {};
    const int error = ::fstat(fd_, &status) != 0 ? errno : 0;
    if (error == 0 && S_ISREG(status.st_mode)) {
      size_ = static_cast<size_t>(status.st_size);
      return;
    }
    ::close(fd_);
    if (error != 0) throw_unreadable(path, error);
    throw Error("file.unreadable", cat(path.string(), " is ", kind_of(status.st_mode), ", not a file"),
                "saving to a file first");
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  size_t size() const { return size_; }

 private:
  int fd_;
  size_t size_ = 0;
};

/// The path behind symbolic links, so that a link stays a link when its file is replaced. `path` itself where the links
/// lead nowhere: opening it then says why.
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

/// Whether `fd` is still the file at `path`: between opening and locking, its owner may have renamed it.
bool is_file_at(int fd, const std::filesystem::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

/// The file at `path`, made if need be, locked and empty, or -1 with errno; EWOULDBLOCK when another process has it.
int open_locked(const std::filesystem::path& path) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  while (true) {
    const int fd = ::open(path.c_str(), kFlags, 0666);
    if (fd < 0) return -1;
    int error = ::flock(fd, LOCK_EX | LOCK_NB) != 0 ? errno : 0;
    const bool is_ours = error == 0 && is_file_at(fd, path);
    if (is_ours && ::ftruncate(fd, 0) != 0) error = errno;
    if (is_ours && error == 0) return fd;
    ::close(fd);
    if (error == 0) continue;
    errno = error;
    return -1;
  }
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const Descriptor file(path);
  if (file.size() == 0) throw Error("file.empty", path.string() + " is empty");
  size_ = file.size();
  void* mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
  if (mapped == MAP_FAILED) throw_unreadable(path, errno);
  data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::~MappedFile() { ::munmap(const_cast<std::byte*>(data_), size_); }

std::string read_text(const std::filesystem::path& path) {
  const Descriptor file(path);
  const auto check_size = [&](size_t size) {
    if (size <= kLongestText) return;
    throw Error("file.too_large",
                cat(path.string(), " is longer than the ", human_bytes(kLongestText), " that are read as text"));
  };
  check_size(file.size());
  // Files of /proc have a size of 0 and yet hold text: only the end says where the end is.
  std::string text;
  size_t filled = 0;
  while (true) {
    text.resize(std::max(filled + 4096, file.size() + 1));
    const ssize_t count = ::read(file.get(), text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_unreadable(path, errno);
    if (count == 0) break;
    filled += static_cast<size_t>(count);
    check_size(filled);
  }
  text.resize(filled);
  return text;
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(behind_links(path)) {
  struct stat old {};
  const bool replaces = ::stat(path_.c_str(), &old) == 0;
  if (!replaces && errno != ENOENT) fail(errno);
  if (replaces && !S_ISREG(old.st_mode)) {
    throw Error("file.unwritable", cat("cannot write ", path_.string(), ": it is ", kind_of(old.st_mode)));
  }
  for (int writer = 1; fd_ < 0; ++writer) {
    temporary_ = path_;
    temporary_ += ".graftwork-part" + (writer == 1 ? "" : std::to_string(writer));
    fd_ = open_locked(temporary_);
    if (fd_ < 0 && (errno != EWOULDBLOCK || writer == kMostWriters)) fail(errno);
  }
  // A file that few may read stays one.
  if (replaces) static_cast<void>(::fchmod(fd_, old.st_mode & 0777));
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::unlink(temporary_.c_str());
  ::close(fd_);
}

void AtomicFile::fail(int error) const {
  const std::string message = "cannot write " + path_.string() + ": " + reason(error);
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

void AtomicFile::commit() {
  flush(buffer_);
  // Some file systems only now say that there is no room; and a name must not survive a crash that its bytes do not.
  if (::fsync(fd_) != 0) fail(errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  ::close(fd_);
  fd_ = -1;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace graftwork::core
