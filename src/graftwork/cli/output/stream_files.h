// Where messages and printed results go.
#pragma once

#include <functional>
#include <optional>

#include "graftwork/cli/output/command_files.h"

namespace graftwork::core::cli {

/// Throws Error "file.same" where standard output or error is a file that `find` knows: one that the command reads, or
/// writes by its name. To be called before anything is printed. What is read is not written to for the message's sake
/// either: standard error then goes where standard output goes, or nowhere.
void check_streams(const std::function<std::optional<CommandFile>(const FileState&)>& find);

}  // namespace graftwork::core::cli
