// The functions of libgraftwork_torch.so. C names, so that the launcher finds them; C++ structs, because both halves
// come from one build. Of that the launcher checks the version, and that the functions are there.
#pragma once

#include "graftwork/cli/requests.h"

#define GRAFTWORK_ENTRY_POINT extern "C" __attribute__((visibility("default")))

/// Must equal the launcher's; to be asked before any struct is passed.
GRAFTWORK_ENTRY_POINT const char* graftwork_torch_version() noexcept;

/// Each does one subcommand's work, reports its own errors on standard error, and returns the exit status.
GRAFTWORK_ENTRY_POINT int graftwork_torch_quantize(const graftwork::core::cli::QuantizeRequest& request) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_transform(const graftwork::core::cli::TransformRequest& request) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_plan(const graftwork::core::cli::PlanRequest& request) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_explain(const graftwork::core::cli::ExplainRequest& request) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_inspect(const graftwork::core::cli::InspectRequest& request) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_run(const graftwork::core::cli::RunRequest& request) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_compare(const graftwork::core::cli::CompareRequest& request) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_sensitivity(const graftwork::core::cli::SensitivityRequest& request) noexcept;
