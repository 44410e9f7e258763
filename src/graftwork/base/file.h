// Files: read, map, and write so that no half of one is ever seen.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace graftwork {

/// A view of a whole file. Pages are loaded on first touch; whoever writes to one gets a copy of his own
/// (training may change mapped weights), the file never changes.
/// Throws Error "file.missing", "file.unreadable" or "file.empty".
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

/// The whole file as text. Throws as MappedFile does, but an empty file is "".
std::string read_text(const std::filesystem::path& path);

/// Writes beside `path` and renames on commit, so that a reader sees the old file or the new one.
/// The destructor removes what was not committed. Throws Error "file.unwritable".
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  /// Where the bytes lie until `commit`; for writers that want a path (libzip).
  const std::filesystem::path& temporary() const { return temporary_; }
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream stream_;
  bool committed_ = false;
};

/// Writes one whole file through AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace graftwork
