#include "graftwork/cli/output/stream_files.h"

#include <fcntl.h>
#include <unistd.h>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

/// Where a message does no harm; nowhere, if need be.
void divert_errors(bool to_output) {
  const int elsewhere = to_output ? STDOUT_FILENO : ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (elsewhere < 0 || ::dup2(elsewhere, STDERR_FILENO) < 0) ::close(STDERR_FILENO);
}

}  // namespace

void check_streams(const std::function<std::optional<CommandFile>(const FileState&)>& find) {
  const auto file_of = [&](int stream) -> std::optional<CommandFile> {
    const std::optional<FileState> file = FileState::of_plain(stream);
    return file ? find(*file) : std::nullopt;
  };
  const std::optional<CommandFile> output = file_of(STDOUT_FILENO), error = file_of(STDERR_FILENO);
  if (error) divert_errors(/*to_output=*/!output);
  const std::optional<CommandFile>& file = output ? output : error;
  if (!file) return;
  throw Error("file.same",
              cat(output ? "standard output" : "standard error", " is ", file->path.string(), ", which is ",
                  is_output(*file) ? "written by its name" : "read"),
              "another file for it");
}

}  // namespace graftwork::core::cli
