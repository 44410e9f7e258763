// prepare → convert → fuse.
#pragma once

#include "graftwork/patterns/lists.h"
#include "graftwork/rewrite/report.h"

namespace graftwork {

/// Raises operators back to modules, in place. What is not recognised stays an operator.
Report prepare_graph(GraphModule& module);

struct TransformationResult {
  GraphModule model;
  Report report;
};

/// Prepares, converts to a fix-point, fuses once. `module` is not changed; parameters are shared by name.
/// The result computes the same float function: stubs exist, but are disabled.
TransformationResult transform(const GraphModule& module, const PatternList& conversions = tensorrt_conversions(),
                               const PatternList& fusions = tensorrt_fusions());

}  // namespace graftwork
