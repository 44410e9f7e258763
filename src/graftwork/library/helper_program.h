// The command as the helper of a program that opens files of strangers.
#pragma once

#include <filesystem>

namespace graftwork::detail {

/// Has `command` open the file, in a process of its own with limits of memory and time, and waits for it. Empty: the
/// one that is installed with this library. Throws the Error that opening the file ended with there, a crash included;
/// "process.helper" where there is no such command, or it is of no use; "file.changed" where the file is another by
/// then.
void open_in_helper(const std::filesystem::path& file, const std::filesystem::path& command);

}  // namespace graftwork::detail
