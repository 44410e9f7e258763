#include "graftwork/patterns/transform.h"

#include <graftwork/transform.h>

#include "graftwork/base/text.h"
#include "graftwork/library/state.h"
#include "graftwork/patterns/explain.h"
#include "graftwork/place/plan_file.h"

namespace graftwork {
namespace {

TransformationResult result_of(const Network& network, core::TransformationResult made) {
  TransformationResult result{
      detail::network_of(network, {std::move(made.model), network.state()->network().tensors}), {}, {}};
  for (const core::AppliedMatch& match : made.report.applied)
    result.matches.push_back({match.pattern.str(), match.result.str(), detail::strings_of(match.replaced)});
  for (const core::SkippedMatch& match : made.report.skipped)
    result.report.skipped.push_back({match.pattern.str(), match.node.str(), match.why()});
  result.report.counts = made.report.counts();
  return result;
}

core::TransformationPlan to_core(const TransformationPlan& plan) {
  core::TransformationPlan made{plan.graph, {}};
  for (const PlannedRound& round : plan.rounds) {
    core::PlannedRound& into = made.rounds.emplace_back(core::PlannedRound{core::Symbol(round.phase), {}});
    for (const PlannedMatch& match : round.matches) {
      std::vector<core::Symbol> nodes(match.nodes.begin(), match.nodes.end());
      into.matches.push_back({core::Symbol(match.pattern), core::Symbol(match.node), std::move(nodes), match.apply,
                              core::Symbol(match.winner)});
    }
  }
  return made;
}

TransformationPlan from_core(const core::TransformationPlan& plan) {
  TransformationPlan made{plan.graph, {}};
  for (const core::PlannedRound& round : plan.rounds) {
    PlannedRound& into = made.rounds.emplace_back(PlannedRound{round.phase.str(), {}});
    for (const core::PlannedMatch& match : round.matches)
      into.matches.push_back(
          {match.pattern.str(), match.node.str(), detail::strings_of(match.nodes), match.apply, match.winner.str()});
  }
  return made;
}

}  // namespace

std::string AppliedMatch::text() const {
  core::Report report;
  std::vector<core::Symbol> nodes(replaced.begin(), replaced.end());
  report.applied.push_back({core::Symbol(pattern), core::Symbol(result), std::move(nodes)});
  std::string line = report.text();
  while (line.ends_with('\n')) line.pop_back();
  return line;
}

TransformationResult transform(const Network& network) {
  return result_of(network, core::transform(network.state()->module()));
}

TransformationResult transform(const Network& network, const Patterns& patterns) {
  return result_of(network, core::transform(network.state()->module(), detail::sections_of(patterns)));
}

Network prepare_graph(const Network& network) {
  core::Network prepared = network.state()->network().clone();
  core::prepare_graph(prepared.module);
  return detail::network_of(network, std::move(prepared));
}

PlannedMatch& TransformationPlan::match(std::string_view node, std::string_view pattern) {
  for (PlannedRound& round : rounds) {
    for (PlannedMatch& match : round.matches) {
      if (match.node == node && match.pattern == pattern) return match;
    }
  }
  throw Error("plan.match", core::cat("the plan has no match of ", pattern, " at %", node),
              "TransformationPlan::text(), which shows all");
}

std::string TransformationPlan::text() const { return to_core(*this).text(); }

std::string TransformationPlan::json() const { return core::plan_text({to_core(*this), std::nullopt}); }

TransformationPlan TransformationPlan::parse(const std::string& json) {
  const core::PlanFile file = core::parse_plan(json);
  if (!file.transformation) throw Error("plan.key", "it plans no transformation", "a plan that json() has written");
  return from_core(*file.transformation);
}

TransformationPlan get_transformation_plan(const Network& network, const Patterns& patterns) {
  return from_core(core::get_transformation_plan(network.state()->module(), detail::sections_of(patterns)));
}

TransformationResult apply_transformation_plan(const Network& network, const TransformationPlan& plan,
                                               const Patterns& patterns) {
  return result_of(network, core::apply_transformation_plan(network.state()->module(), to_core(plan),
                                                            detail::sections_of(patterns)));
}

std::string explain(const Network& network, std::string_view name, const Patterns& patterns) {
  std::string text;
  for (const core::Explanation& explanation :
       core::explain(network.state()->module(), core::Symbol(std::string(name)), detail::sections_of(patterns)))
    text += explanation.text();
  return text;
}

}  // namespace graftwork
