#include "graftwork/cli/graph/command_plan.h"

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/graph/planned.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/reports/summary.h"

namespace graftwork::core::cli {
namespace {

std::string matches_of(const TransformationPlan& plan, const char* phase) {
  size_t applied = 0, off = 0, beaten = 0;
  for (const PlannedRound& round : plan.rounds) {
    if (round.phase != Symbol(phase)) continue;
    for (const PlannedMatch& match : round.matches) ++(match.apply ? applied : match.winner.empty() ? off : beaten);
  }
  return cat(applied, " to carry out", off > 0 ? cat(", ", off, " switched off") : "",
             beaten > 0 ? cat(", ", beaten, " that give way to another") : "");
}

void add_rules(Table& table, const StubPlan& plan) {
  for (const RuleHits& rule : plan.rules) {
    table.add(rule.rule, counted(rule.modules.size(), "module"));
    for (const Symbol module : rule.modules) table.add(rule.rule, "  " + module.str());
  }
}

}  // namespace

void plan(const GraphModule& module, const PlanRequest& request) {
  PlanFile plan = plan_of(request.plan);
  plan.stubs.reset();
  const PatternSections lists = patterns_of(request.backend);
  if (!plan.transformation) plan.transformation = get_transformation_plan(module, lists);
  Table table;
  table.add("conversions", matches_of(*plan.transformation, "conversions"));
  table.add("fusions", matches_of(*plan.transformation, "fusions"));
  if (request.quantize) {
    plan.stubs = plan_stubs(transform_by(plan, module, lists).model, recipe_of(request.recipe, {}),
                            *backend_of(request.backend));
    table.add("Q/DQ pairs", cat(plan.stubs->stubs.size(), " on activations"));
    table.add("Q/DQ pairs", cat(plan.stubs->quantized_weights(), " on weights"));
    add_rules(table, *plan.stubs);
  }
  request.files.check_before_writing();
  if (request.dry_run) return print_out(table.text());
  write_file(request.output, plan_text(plan));
  print_out(line_of(request.output.string()) + table.text());
}

}  // namespace graftwork::core::cli
