// The files of a command line: what it writes is never what it reads, and what it reads does not change meanwhile.
#pragma once

#include <filesystem>
#include <vector>

#include "graftwork/cli/output/file_place.h"
#include "graftwork/cli/output/watched_files.h"

namespace graftwork::core::cli {

/// What becomes of a file that an option names.
enum class FileUse : uint8_t {
  kRead,          ///< Text, read whole before the work. May be edited then.
  kWatched,       ///< A model, or samples or a folder of them: read while the command works.
  kWatchedOnnx,   ///< An ONNX file, and those that hold its weights, which it alone names.
  kWritten,       ///< An output.
  kWrittenModel,  ///< An output that weights may come to lie beside.
  kKept,          ///< A checkpoint: an output that is read when it is there.
};

struct CommandFile {
  std::filesystem::path path;
  FileUse use;
};

bool is_output(const CommandFile& file);

class CommandFiles {
 public:
  CommandFiles() = default;
  /// Every file of a command line. Takes stock of those that are watched. Throws Error "file.same" where standard
  /// output or error is one of them, and "file.changed" where somebody is writing one that is watched.
  explicit CommandFiles(std::vector<CommandFile> files);

  /// Throws Error "file.unwritable" when no file can be made at an output, and "file.same" when it is an input or
  /// another output, by whatever name: a link of either kind, another path, a folder mounted twice, or other capitals;
  /// or would become a sample of a folder that is read. Leaves nothing behind.
  void check_outputs() const;
  /// To be called when all is computed, before an output stands at its place: throws Error "file.changed" where a
  /// watched file is not what it was, and "file.same" where an output has become an input since.
  void check_before_writing() const;
  /// Removes what a process that has been ended left of outputs that it was writing.
  void remove_leftovers() const noexcept;
  /// The first watched file that is not what it was.
  std::optional<std::filesystem::path> changed() const { return watched_.changed(); }

 private:
  void check_names() const;
  void check_against_inputs(size_t output, const std::vector<FilePlace>& places) const;
  void check_against_outputs(size_t output, const std::vector<FilePlace>& places) const;

  std::vector<CommandFile> files_;
  WatchedFiles watched_;
};

}  // namespace graftwork::core::cli
