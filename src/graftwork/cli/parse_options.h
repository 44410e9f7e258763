// From the command line to the structs of options.h.
#pragma once

#include <optional>
#include <variant>

#include "graftwork/cli/options.h"

namespace graftwork::cli {

using Request = std::variant<QuantizeRequest, TransformRequest, PlanRequest, ExplainRequest, InspectRequest, RunRequest,
                             SensitivityRequest, CompareRequest>;

/// Reads the command line. Nothing when it is answered already: help and version are printed here. Throws Error "usage"
/// for everything that no subcommand takes: unknown options, missing ones, values out of range.
std::optional<Request> parse_options(int argc, const char* const* argv);

}  // namespace graftwork::cli
