// The command in a process of its own, so that what a file makes libraries do ends in one message.
#pragma once

#include <atomic>
#include <filesystem>

#include "graftwork/cli/output/command_files.h"

namespace graftwork::core::cli {

/// Forks, and returns in the child alone, which goes on with the command: what it returns is to become true once the
/// model is open. The parent waits, passes on signals that are sent to it, and ends as the child does. Where the
/// child was killed by what it did it ends with a message that names `model` instead: "model.crash", "model.time",
/// "file.changed" (one of `files` changed while it was read), "process.killed". Costs well below a millisecond. To be
/// called before there is a second thread. Throws Error "process.fork".
std::atomic<bool>* continue_in_child(const std::filesystem::path& model, const CommandFiles& files);

}  // namespace graftwork::core::cli
