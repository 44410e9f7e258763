#include "graftwork/patterns/transform.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/rewrite/rewriter.h"

namespace graftwork::core {
namespace {

constexpr const char* kConversions = "conversions";
constexpr const char* kFusions = "fusions";

/// Refuses a plan that does what none of the patterns can. What it leaves anyway may be anyone's.
void check_patterns(const TransformationPlan& plan, const PatternSections& lists) {
  for (const PlannedRound& round : plan.rounds) {
    const PatternList& list = round.phase == Symbol(kFusions) ? lists.fusions : lists.conversions;
    for (const PlannedMatch& match : round.matches) {
      const bool is_known = std::any_of(list.begin(), list.end(),
                                        [&](const auto& pattern) { return match.pattern == Symbol(pattern->name()); });
      if (is_known || !match.apply) continue;
      throw Error("plan.pattern",
                  cat("the plan carries out ", match.pattern.str(), " at %", match.node.str(),
                      ", and no pattern of the ", round.phase.str(), " has that name"),
                  "the same patterns that it was made with");
    }
  }
}

/// A copy whose modules may be of these kinds.
GraphModule for_kinds(const GraphModule& module, const std::shared_ptr<const KindTable>& kinds) {
  GraphModule copy = module.clone();
  copy.use_kinds(kinds);
  return copy;
}

}  // namespace

PatternSections active_patterns() { return patterns_of(*get_backend()); }

PatternSections patterns_of(const Backend& backend) {
  return {recompositions(), backend.conversions, backend.fusions, backend.kinds};
}

Report prepare_graph(GraphModule& module, const PatternList& raising) {
  return Rewriter(raising).run_to_fixpoint(module);
}

TransformationResult transform(const GraphModule& module, const PatternSections& lists) {
  TransformationResult result{for_kinds(module, lists.kinds), {}};
  result.report.append(prepare_graph(result.model, lists.recompositions));
  MatchBudget budget(result.model.graph().size());
  result.report.append(Rewriter(lists.conversions, &budget).run_to_fixpoint(result.model));
  result.report.append(Rewriter(lists.fusions, &budget).run_once(result.model));
  return result;
}

TransformationResult transform(const GraphModule& module, const PatternList& conversions, const PatternList& fusions) {
  return transform(module, {recompositions(), conversions, fusions, get_backend()->kinds});
}

TransformationPlan get_transformation_plan(const GraphModule& module, const PatternSections& lists) {
  GraphModule work = for_kinds(module, lists.kinds);
  prepare_graph(work, lists.recompositions);
  TransformationPlan plan{fingerprint(work), {}};
  MatchBudget budget(work.graph().size());
  Rewriter(lists.conversions, &budget).run_to_fixpoint(work, [&](const Report& round) {
    if (!round.applied.empty()) plan.rounds.push_back(PlannedRound::of(kConversions, round));
  });
  plan.rounds.push_back(PlannedRound::of(kFusions, Rewriter(lists.fusions, &budget).run_once(work)));
  return plan;
}

TransformationPlan get_transformation_plan(const GraphModule& module, const PatternList& conversions,
                                           const PatternList& fusions) {
  return get_transformation_plan(module, {recompositions(), conversions, fusions, get_backend()->kinds});
}

TransformationResult apply_transformation_plan(const GraphModule& module, const TransformationPlan& plan,
                                               const PatternSections& lists) {
  check_patterns(plan, lists);
  TransformationResult result{for_kinds(module, lists.kinds), {}};
  result.report.append(prepare_graph(result.model, lists.recompositions));
  if (fingerprint(result.model) != plan.graph) {
    throw Error("plan.graph", "the plan was made for another network", "making it again");
  }
  MatchBudget budget(result.model.graph().size());
  const Rewriter convert(lists.conversions, &budget), fuse(lists.fusions, &budget);
  for (const PlannedRound& planned : plan.rounds) {
    const Rewriter& rewriter = planned.phase == Symbol(kFusions) ? fuse : convert;
    Report round = rewriter.run_once(result.model, planned.filter());
    planned.note_unmatched(round);
    result.report.append(std::move(round));
  }
  return result;
}

TransformationResult apply_transformation_plan(const GraphModule& module, const TransformationPlan& plan,
                                               const PatternList& conversions, const PatternList& fusions) {
  return apply_transformation_plan(module, plan, {recompositions(), conversions, fusions, get_backend()->kinds});
}

}  // namespace graftwork::core
