// Writing where the user can see it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace graftwork::core::cli {

/// Writes to standard output, as `visible` shows it. Throws Error "file.unwritable" when that fails (a full disk behind
/// a redirection).
void print_out(std::string_view text);

/// A line of a text, however many its words would make: a name or a path cannot begin another.
std::string line_of(std::string_view words);

/// "warning: 2 operators cannot be exported" and the lines, on standard error; nothing for an empty list.
void warn_unsupported(const std::vector<std::string>& unsupported);

/// What to say of a network some of whose layers compute as they do while they are trained; empty for none.
std::string training_warning(const std::vector<std::string>& layers);
/// Says each on standard error.
void warn(const std::vector<std::string>& warnings);
/// Says it on standard error.
void warn_training(const std::vector<std::string>& layers);

}  // namespace graftwork::core::cli
