// From the command line to the structs of options.h.
#pragma once

#include <variant>

#include "graftwork/cli/options.h"

namespace graftwork::cli {

/// What is left to do; an int is the exit status of a command line that is answered already (help, version).
using Request = std::variant<int, QuantizeOptions, TransformOptions, InspectOptions, RunOptions>;

/// Reads the command line. Prints help and version. Throws Error "usage" for everything that no subcommand takes:
/// unknown options, missing ones, values out of range.
Request parse_options(int argc, const char* const* argv);

}  // namespace graftwork::cli
