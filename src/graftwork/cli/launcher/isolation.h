// The command in a process of its own, so that what a file makes libraries do ends in one message.
#pragma once

#include <atomic>
#include <filesystem>

#include "graftwork/cli/output/command_files.h"

namespace graftwork::core::cli {

/// How far the child has come, which it tells its parent.
struct ChildProgress {
  std::atomic<bool> has_libraries = false;  ///< Torch is there.
  std::atomic<bool> has_opened = false;     ///< The model is open.
  std::atomic<bool> is_in_library = false;  ///< At work: if it ends there, it has said nothing of its own.
};

/// Forks, and returns in the child alone, which goes on with the command and says how far it has come in what this
/// returns. The parent waits, passes on signals that are sent to it, stops and goes on with the child, and ends as the
/// child does. Where the child was killed by what it did it ends with a message that names `model` instead:
/// "model.crash", "model.time", "file.changed" (one of `files` changed while it was read), "process.time" (the user's
/// own limit), "process.killed", "process.ended" (a library called exit); "build.torch" before it had its libraries.
/// The child leaves no core file: it would be as large as the network. Costs well below a millisecond. To be called
/// before there is a second thread, with SIGCHLD not ignored. Throws Error "process.fork".
ChildProgress* continue_in_child(const std::filesystem::path& model, const CommandFiles& files);

}  // namespace graftwork::core::cli
