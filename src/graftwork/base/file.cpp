#include "graftwork/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "graftwork/base/error.h"
#include "graftwork/base/file_kind.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

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
    throw Error("file.unreadable", cat(path.string(), " is ", file_kind(status.st_mode), ", not a file"),
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

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path, Writes writes) : path_(path) {
  const Descriptor file(path);
  if (file.size() == 0) throw Error("file.empty", path.string() + " is empty");
  size_ = file.size();
  const int protection = writes == Writes::kCopied ? PROT_READ | PROT_WRITE : PROT_READ;
  void* mapped = ::mmap(nullptr, size_, protection, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
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

}  // namespace graftwork::core
