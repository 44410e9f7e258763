// From the command line to the structs of requests.h.
#pragma once

#include <optional>

#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {

/// Reads the command line. Nothing when it is answered already: help and version are printed here. Throws Error "usage"
/// for everything that no subcommand takes: unknown options, missing ones, values out of range.
std::optional<Request> parse_options(int argc, const char* const* argv);

}  // namespace graftwork::core::cli
