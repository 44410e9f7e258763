// Files that are written whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "graftwork/base/output_folder.h"

namespace graftwork::core {

/// The path behind symbolic links, be there a file or not: where AtomicFile writes, so that a link stays a link when
/// its file is replaced. `path` itself where the links lead nowhere, or to what has no name (a pipe, a file that was
/// deleted: /proc/self/fd): AtomicFile then says why.
std::filesystem::path behind_links(const std::filesystem::path& path);

/// Writes beside `path` and renames on commit, so that a reader sees the old file or the new one, even if this process
/// is killed. The bytes gather in a file of a name of its own (part_file.h), which the destructor removes unless they
/// were committed; what a killed process left there, the next one that writes `path` removes. Any number of processes
/// may write one path: the last commit stays. A symbolic link at `path` stays one: the file behind it is replaced.
/// Links that are changed while the file is written lead nowhere else: the folder is held open, and a rename follows
/// none. A file that this user must not write to is not replaced either. Whatever fails throws Error "file.unwritable"
/// with the system's reason, at once; what can be known before the first byte, the
/// constructor says.
class AtomicFile {
 public:
  /// What is replaced hands its permissions on.
  explicit AtomicFile(const std::filesystem::path& path);
  /// A file in the folder of `other`, with its permissions, for commit_as. `name` is that of its part alone.
  AtomicFile(const AtomicFile& other, const std::string& name);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  /// Where the bytes will stand: behind links.
  const std::filesystem::path& path() const { return path_; }
  /// Where they lie until `commit`.
  std::filesystem::path temporary() const { return path_.parent_path() / part_; }
  const OutputFolder& folder() const { return folder_; }

  /// Everything that can fail but the rename: `commit` then takes a moment.
  void finish();
  /// Under the path that it was made for, or under another name beside it; lasts through a loss of power.
  void commit();
  void commit_as(const std::string& name);

 private:
  void check_replaceable(const std::string& name, const struct stat& old) const;
  void open_part(const std::string& name, mode_t mode);
  void flush(std::string_view bytes);
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  OutputFolder folder_;
  std::string part_;
  std::string buffer_;
  int fd_ = -1;
};

/// Writes one whole file through AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace graftwork::core
