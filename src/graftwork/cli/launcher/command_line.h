// The whole command: arguments in, exit status out.
#pragma once

namespace graftwork::core::cli {

/// Answers what needs no torch and hands the rest to the torch half, which ends the process. Errors are reported on
/// standard error; the result is the exit status.
int run_command_line(int argc, const char* const* argv) noexcept;

}  // namespace graftwork::core::cli
