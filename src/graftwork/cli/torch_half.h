// The door to libgraftwork_torch.so.
#pragma once

#include "graftwork/cli/options.h"

namespace graftwork::cli {

/// Opens the library, which takes a moment, lets it do the subcommand, and ends the process with its exit status.
/// Throws Error "build.torch" when this build has no such half, it cannot be opened, or it is of another build.
[[noreturn]] void run_torch_half(const QuantizeOptions& options);
[[noreturn]] void run_torch_half(const TransformOptions& options);
[[noreturn]] void run_torch_half(const PlanOptions& options);
[[noreturn]] void run_torch_half(const ExplainOptions& options);
[[noreturn]] void run_torch_half(const InspectOptions& options);
[[noreturn]] void run_torch_half(const RunOptions& options);

}  // namespace graftwork::cli
