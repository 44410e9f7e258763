#include "graftwork/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <system_error>

#include "graftwork/base/error.h"

namespace graftwork {
namespace {

/// Whether there is a folder at `path`; false when that cannot be told, opening it then says why.
bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void throw_unreadable(const std::filesystem::path& path, int error) {
  if (error == ENOENT) throw Error("file.missing", "there is no file " + path.string(), "checking the path");
  throw Error("file.unreadable", "cannot read " + path.string() + ": " + reason(error));
}

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw_unreadable(path, errno);
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const Descriptor file(path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_unreadable(path, errno);
  if (S_ISDIR(status.st_mode)) throw Error("file.unreadable", path.string() + " is a folder, not a file");
  if (status.st_size == 0) throw Error("file.empty", path.string() + " is empty");
  size_ = static_cast<size_t>(status.st_size);
  void* mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
  if (mapped == MAP_FAILED) throw_unreadable(path, errno);
  data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::~MappedFile() { ::munmap(const_cast<std::byte*>(data_), size_); }

std::string read_text(const std::filesystem::path& path) {
  if (is_folder(path)) throw Error("file.unreadable", path.string() + " is a folder, not a file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw_unreadable(path, errno);
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  if (is_folder(path_)) {
    throw Error("file.unwritable", "cannot write " + path_.string() + ": it is a folder");
  }
  temporary_ = path_;
  temporary_ += ".part" + std::to_string(::getpid());
  stream_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (!stream_) {
    throw Error("file.unwritable", "cannot write " + path_.string() + ": " + reason(errno),
                "another folder, or its permissions");
  }
}

AtomicFile::~AtomicFile() {
  if (committed_) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::write(std::string_view bytes) {
  stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void AtomicFile::commit() {
  stream_.close();
  std::error_code error;
  if (!stream_.fail()) std::filesystem::rename(temporary_, path_, error);
  if (stream_.fail() || error) {
    throw Error("file.unwritable", "cannot write " + path_.string() + ": " + (error ? error.message() : reason(errno)),
                "freeing disk space, or another folder");
  }
  committed_ = true;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace graftwork
