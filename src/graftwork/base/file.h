// Files that are read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace graftwork::core {

/// A view of a whole file, whose pages are loaded on first touch. The file never changes. Pages that are shared with it
/// take none of the process's own memory, however long the file is.
/// Throws Error "file.missing", "file.unreadable" (folders, pipes and devices too: they have no size to trust) or
/// "file.empty".
class MappedFile {
 public:
  /// kCopied: whoever writes to a page gets a copy of his own, as training does with mapped weights. The whole file
  /// counts then as data of the process, which RLIMIT_DATA limits.
  enum class Writes { kNone, kCopied };
  explicit MappedFile(const std::filesystem::path& path, Writes writes = Writes::kNone);
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

}  // namespace graftwork::core
