// Files: read, map, and write so that no half of one is ever seen.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace graftwork::core {

/// A view of a whole file. Pages are loaded on first touch; whoever writes to one gets a copy of his own
/// (training may change mapped weights), the file never changes.
/// Throws Error "file.missing", "file.unreadable" (folders, pipes and devices too: they have no size to trust) or
/// "file.empty".
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Longest file that is read as text, in bytes; the largest graph that anyone printed is a hundredth of it.
inline constexpr size_t kLongestText = size_t{256} << 20;

/// The whole file as text. Throws as MappedFile does, but an empty file is ""; "file.too_large" above kLongestText.
std::string read_text(const std::filesystem::path& path);

/// Writes beside `path` and renames on commit, so that a reader sees the old file or the new one, even if this process
/// is killed. The bytes gather in `<path>.graftwork-part`, which the destructor removes unless they were committed;
/// what a killed process left there, the next one that writes `path` takes over. A process that finds another
/// at work takes the names `-part2`, `-part3`, ... A symbolic link at `path` stays one: the file behind it is replaced.
/// Whatever fails throws Error "file.unwritable" with the system's reason, at once.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  /// Where the bytes lie until `commit`.
  const std::filesystem::path& temporary() const { return temporary_; }
  void commit();

 private:
  void flush(std::string_view bytes);
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::string buffer_;
  int fd_ = -1;
};

/// Writes one whole file through AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace graftwork::core
