// prepare → convert → fuse.
#pragma once

#include "graftwork/patterns/backend.h"
#include "graftwork/patterns/lists.h"
#include "graftwork/rewrite/plan.h"

namespace graftwork::core {

/// Raises operators back to modules, in place. What is not recognised stays an operator.
Report prepare_graph(GraphModule& module, const PatternList& raising = recompositions());

/// The lists that `transform` works through unless it is told others: those of the backend that is used. Throws Error
/// "backend.*" when it is not clear which one that is.
PatternSections active_patterns();
/// Those of a backend.
PatternSections patterns_of(const Backend& backend);

struct TransformationResult {
  GraphModule model;
  Report report;
};

/// Prepares, converts to a fix-point, fuses once. `module` is not changed; parameters are shared by name.
/// The result computes the same float function: stubs exist, but are disabled.
TransformationResult transform(const GraphModule& module, const PatternSections& lists = active_patterns());
TransformationResult transform(const GraphModule& module, const PatternList& conversions, const PatternList& fusions);

/// Every match that `transform` would carry out, and those that lose a node to one. `module` is not changed.
TransformationPlan get_transformation_plan(const GraphModule& module, const PatternSections& lists = active_patterns());
TransformationPlan get_transformation_plan(const GraphModule& module, const PatternList& conversions,
                                           const PatternList& fusions);

/// Prepares and carries out what is switched on; what the plan does not list is not done. A match that an edit has made
/// impossible is reported as skipped. Throws Error "plan.pattern" when it names a pattern that the lists have not,
/// "plan.graph" when it was made for another network.
TransformationResult apply_transformation_plan(const GraphModule& module, const TransformationPlan& plan,
                                               const PatternSections& lists = active_patterns());
TransformationResult apply_transformation_plan(const GraphModule& module, const TransformationPlan& plan,
                                               const PatternList& conversions, const PatternList& fusions);

}  // namespace graftwork::core
