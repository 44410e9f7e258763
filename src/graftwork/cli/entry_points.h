// The functions of libgraftwork_torch.so. C names, so that the launcher finds them; C++ structs, because both halves
// come from one build, which graftwork_torch_build proves before any struct is passed.
#pragma once

#include "graftwork/cli/options.h"

#define GRAFTWORK_ENTRY_POINT extern "C" __attribute__((visibility("default")))

/// Identifies the build; must equal what the launcher was built with.
GRAFTWORK_ENTRY_POINT const char* graftwork_torch_build() noexcept;

/// Each does one subcommand's work, reports its own errors on standard error, and returns the exit status.
GRAFTWORK_ENTRY_POINT int graftwork_torch_quantize(const graftwork::cli::QuantizeOptions& options) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_transform(const graftwork::cli::TransformOptions& options) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_plan(const graftwork::cli::PlanOptions& options) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_explain(const graftwork::cli::ExplainOptions& options) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_inspect(const graftwork::cli::InspectOptions& options) noexcept;
GRAFTWORK_ENTRY_POINT int graftwork_torch_run(const graftwork::cli::RunOptions& options) noexcept;
