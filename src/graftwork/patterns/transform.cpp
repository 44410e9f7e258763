#include "graftwork/patterns/transform.h"

#include "graftwork/base/error.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/rewrite/rewriter.h"

namespace graftwork {
namespace {

constexpr const char* kConversions = "conversions";
constexpr const char* kFusions = "fusions";

}  // namespace

Report prepare_graph(GraphModule& module) { return Rewriter(recompositions()).run_to_fixpoint(module); }

TransformationResult transform(const GraphModule& module, const PatternList& conversions, const PatternList& fusions) {
  TransformationResult result{module.clone(), {}};
  result.report.append(prepare_graph(result.model));
  result.report.append(Rewriter(conversions).run_to_fixpoint(result.model));
  result.report.append(Rewriter(fusions).run_once(result.model));
  return result;
}

TransformationPlan get_transformation_plan(const GraphModule& module, const PatternList& conversions,
                                           const PatternList& fusions) {
  GraphModule work = module.clone();
  prepare_graph(work);
  TransformationPlan plan{fingerprint(work), {}};
  Rewriter(conversions).run_to_fixpoint(work, [&](const Report& round) {
    if (!round.applied.empty()) plan.rounds.push_back(PlannedRound::of(kConversions, round));
  });
  plan.rounds.push_back(PlannedRound::of(kFusions, Rewriter(fusions).run_once(work)));
  return plan;
}

TransformationResult apply_transformation_plan(const GraphModule& module, const TransformationPlan& plan,
                                               const PatternList& conversions, const PatternList& fusions) {
  TransformationResult result{module.clone(), {}};
  result.report.append(prepare_graph(result.model));
  if (fingerprint(result.model) != plan.graph) {
    throw Error("plan.graph", "the plan was made for another network", "making it again");
  }
  const Rewriter convert(conversions), fuse(fusions);
  for (const PlannedRound& planned : plan.rounds) {
    const Rewriter& rewriter = planned.phase == Symbol(kFusions) ? fuse : convert;
    Report round = rewriter.run_once(result.model, planned.filter());
    planned.note_unmatched(round);
    result.report.append(std::move(round));
  }
  return result;
}

}  // namespace graftwork
