#include "graftwork/cli/reports/network_facts.h"

#include <set>

#include "graftwork/ir/kind.h"

namespace graftwork::core::cli {
namespace {

bool is_call(const Node& node) {
  return node.kind() == NodeKind::kCallModule || node.kind() == NodeKind::kCallFunction;
}

bool is_fused(const GraphModule& module, const Node& node) {
  return node.kind() == NodeKind::kCallModule && module.modules().kinds().at(node.op()).is_fused();
}

}  // namespace

Counts operator_counts(const GraphModule& module) {
  Counts counts;
  for (const Node& node : module.graph().nodes()) {
    if (is_call(node)) ++counts[node.op().str()];
  }
  return counts;
}

Counts fused_counts(const GraphModule& module) {
  Counts counts;
  std::set<ModuleId> seen;
  for (const Node& node : module.graph().nodes()) {
    if (is_fused(module, node) && seen.insert(node.module()).second) ++counts[node.op().str()];
  }
  return counts;
}

Counts unfused_counts(const GraphModule& module) {
  Counts counts;
  for (const Node& node : module.graph().nodes()) {
    if (is_call(node) && !is_fused(module, node)) ++counts[node.op().str()];
  }
  return counts;
}

ParameterFacts parameter_facts(const GraphModule& module) {
  ParameterFacts facts;
  for (const auto& [name, type] : module.parameters()) {
    ++facts.tensors;
    if (type.is_static()) facts.bytes += static_cast<size_t>(type.element_count()) * dtype_bytes(type.dtype);
  }
  return facts;
}

}  // namespace graftwork::core::cli
