#include "graftwork/patterns/transform.h"

#include "graftwork/rewrite/rewriter.h"

namespace graftwork {

Report prepare_graph(GraphModule& module) { return Rewriter(recompositions()).run_to_fixpoint(module); }

TransformationResult transform(const GraphModule& module, const PatternList& conversions, const PatternList& fusions) {
  TransformationResult result{module.clone(), {}};
  result.report.append(prepare_graph(result.model));
  result.report.append(Rewriter(conversions).run_to_fixpoint(result.model));
  result.report.append(Rewriter(fusions).run_once(result.model));
  return result;
}

}  // namespace graftwork
