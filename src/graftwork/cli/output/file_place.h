// Where a name of a command line leads.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "graftwork/base/file_state.h"

namespace graftwork::core::cli {

/// The file behind a name, or the folder and the name in it where a file would be made; both as the system tells them
/// apart. Neither links, "." and ".." nor a folder that is mounted at two places make one file look like two.
class FilePlace {
 public:
  explicit FilePlace(const std::filesystem::path& path);

  /// Be it there already or not.
  bool is_same_file(const FilePlace& other) const;
  bool is_same_folder(const FilePlace& other) const;
  /// One file, for file systems that do not tell capitals.
  bool differs_in_capitals_alone(const FilePlace& other) const;
  /// Whether it lies in `folder` or below, where every name on the way is one to be seen.
  bool is_seen_from(const std::filesystem::path& folder) const;

  /// Behind links.
  const std::filesystem::path& path() const { return path_; }
  std::string name() const { return path_.filename(); }
  /// Nothing where there is no file.
  const std::optional<FileState>& file() const { return file_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path folder_path_;
  std::optional<FileState> file_;
  std::optional<FileState> folder_;
};

}  // namespace graftwork::core::cli
