// Policies that a recipe switches on: layers that stay in floating point by what they are.
#pragma once

#include <optional>
#include <string>

#include "graftwork/ir/graph_module.h"
#include "graftwork/patterns/placement/quant_policy.h"

namespace graftwork::core {

/// One that holds for a call of a fused module.
struct PolicyHit {
  std::string policy;  ///< Its key in recipes.
  std::string reason;
};

/// The first policy of `policy` by which the call of a fused module stays in floating point. That of
/// squeeze-and-excite needs the surroundings: it is a pattern of the backend.
std::optional<PolicyHit> policy_for(const GraphModule& module, const Node& call, const QuantPolicy& policy);

}  // namespace graftwork::core
