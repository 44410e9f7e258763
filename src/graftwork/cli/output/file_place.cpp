#include "graftwork/cli/output/file_place.h"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "graftwork/base/atomic_file.h"

namespace graftwork::core::cli {
namespace {

using Path = std::filesystem::path;

bool is_same(const std::optional<FileState>& a, const std::optional<FileState>& b) {
  return a && b && a->is_same_file(*b);
}

std::string without_capitals(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

FilePlace::FilePlace(const Path& path)
    : path_(behind_links(path)),
      folder_path_(path_.has_parent_path() ? path_.parent_path() : "."),
      file_(FileState::of(path)),
      folder_(FileState::of(folder_path_)) {}

bool FilePlace::is_same_folder(const FilePlace& other) const { return is_same(folder_, other.folder_); }

bool FilePlace::is_same_file(const FilePlace& other) const {
  return is_same(file_, other.file_) || (is_same_folder(other) && name() == other.name());
}

bool FilePlace::differs_in_capitals_alone(const FilePlace& other) const {
  return is_same_folder(other) && name() != other.name() && without_capitals(name()) == without_capitals(other.name());
}

bool FilePlace::is_seen_from(const Path& folder) const {
  const std::optional<FileState> top = FileState::of(folder);
  std::error_code error;
  Path at = std::filesystem::canonical(folder_path_, error);
  if (error) return false;
  for (Path last = path_.filename(); !last.native().starts_with('.'); last = at.filename(), at = at.parent_path()) {
    if (is_same(FileState::of(at), top)) return true;
    if (!at.has_relative_path()) return false;
  }
  return false;
}

}  // namespace graftwork::core::cli
