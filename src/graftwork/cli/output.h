// Writing where the user can see it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace graftwork::cli {

/// Writes to standard output. Throws Error "file.unwritable" when that fails (a full disk behind a redirection).
void print_out(std::string_view text);

/// "warning: 2 operators cannot be exported" and the lines, on standard error; nothing for an empty list.
void warn_unsupported(const std::vector<std::string>& unsupported);

/// Throws Error "file.unwritable" when no file can be made at `path`, so that minutes of work do not end with that.
/// Leaves nothing behind. An empty path is none.
void check_writable(const std::filesystem::path& path);

}  // namespace graftwork::cli
