// The door to libgraftwork_torch.so.
#pragma once

#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// Opens the library, which takes a moment, lets it do the subcommand, and ends the process with its exit status.
/// Throws Error "build.torch" when this build has no such half, it cannot be opened, or it is of another build.
[[noreturn]] void run_torch_half(const QuantizeRequest& request);
[[noreturn]] void run_torch_half(const TransformRequest& request);
[[noreturn]] void run_torch_half(const PlanRequest& request);
[[noreturn]] void run_torch_half(const ExplainRequest& request);
[[noreturn]] void run_torch_half(const InspectRequest& request);
[[noreturn]] void run_torch_half(const RunRequest& request);
[[noreturn]] void run_torch_half(const SensitivityRequest& request);
[[noreturn]] void run_torch_half(const CompareRequest& request);

}  // namespace graftwork::core::cli
