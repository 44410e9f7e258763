// prepare → convert → fuse.
#pragma once

#include "graftwork/patterns/lists.h"
#include "graftwork/rewrite/plan.h"

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

/// Every match that `transform` would carry out, and those that lose a node to one. `module` is not changed.
TransformationPlan get_transformation_plan(const GraphModule& module,
                                           const PatternList& conversions = tensorrt_conversions(),
                                           const PatternList& fusions = tensorrt_fusions());

/// Prepares and carries out what is switched on; what the plan does not list is not done. A match that an edit has made
/// impossible is reported as skipped. Throws Error "plan.graph" when the plan was made for another network.
TransformationResult apply_transformation_plan(const GraphModule& module, const TransformationPlan& plan,
                                               const PatternList& conversions = tensorrt_conversions(),
                                               const PatternList& fusions = tensorrt_fusions());

}  // namespace graftwork
