// The door to libgraftwork_torch.so.
#pragma once

#include "graftwork/cli/options.h"

namespace graftwork::cli {

/// Opens the library, which takes a moment, and lets it do the subcommand. Returns the exit status. Throws Error
/// "build.torch" when this build has no such half, it cannot be opened, or it is of another build.
int run_torch_half(const QuantizeOptions& options);
int run_torch_half(const TransformOptions& options);
int run_torch_half(const InspectOptions& options);
int run_torch_half(const RunOptions& options);

}  // namespace graftwork::cli
