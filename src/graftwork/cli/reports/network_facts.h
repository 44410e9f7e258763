// What a network consists of, counted: shared by inspect, the summaries and the reports.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core::cli {

/// By name.
using Counts = std::map<std::string, size_t>;

/// Calls of modules and operators, by kind or schema name.
Counts operator_counts(const GraphModule& module);

/// Distinct fused modules by kind: one that is called twice is one.
Counts fused_counts(const GraphModule& module);

/// Calls that are no part of a fused module, by kind or schema name.
Counts unfused_counts(const GraphModule& module);

struct ParameterFacts {
  size_t tensors = 0;
  size_t bytes = 0;
};

/// The stored tensors that the graph reads.
ParameterFacts parameter_facts(const GraphModule& module);

}  // namespace graftwork::core::cli
