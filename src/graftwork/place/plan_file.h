// Plans on disk: what is fused, and where Q/DQ go. See docs/plans.md.
#pragma once

#include <filesystem>
#include <optional>

#include "graftwork/place/stub_plan.h"
#include "graftwork/rewrite/plan.h"

namespace graftwork::core {

/// Either part may be absent: what is not planned is decided as without a plan.
struct PlanFile {
  std::optional<TransformationPlan> transformation;
  std::optional<StubPlan> stubs;
};

/// JSON, the same bytes for the same plan.
std::string plan_text(const PlanFile& plan);

/// Reads what plan_text writes, edited or not: a stub that is switched off is among the missing ones then. Throws
/// Error "plan.json", "plan.key", "plan.value".
PlanFile parse_plan(const std::string& text);

/// `parse_plan` of a file, whose name is in the error.
PlanFile read_plan(const std::filesystem::path& path);

}  // namespace graftwork::core
