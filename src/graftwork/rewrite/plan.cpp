#include "graftwork/rewrite/plan.h"

#include <map>
#include <set>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

using NamedMatch = std::pair<uint32_t, uint32_t>;

NamedMatch named(Symbol pattern, Symbol node) { return {pattern.id(), node.id()}; }

}  // namespace

PlannedRound PlannedRound::of(Symbol phase, const Report& report) {
  PlannedRound round{phase, {}};
  for (const AppliedMatch& match : report.applied) {
    round.matches.push_back(
        {match.pattern, match.replaced.front(), {match.replaced.rbegin(), match.replaced.rend()}, true, {}});
  }
  std::set<NamedMatch> seen;
  for (const PlannedMatch& match : round.matches) seen.insert(named(match.pattern, match.node));
  for (const SkippedMatch& match : report.skipped) {
    if (match.winner.empty() || !seen.insert(named(match.pattern, match.node)).second) continue;
    round.matches.push_back({match.pattern, match.node, {}, false, match.winner});
  }
  return round;
}

MatchFilter PlannedRound::filter() const {
  std::map<NamedMatch, uint32_t> admitted, takers;
  for (uint32_t i = 0; i < matches.size(); ++i) {
    const PlannedMatch& match = matches[i];
    if (match.apply && match.winner.empty()) admitted.try_emplace(named(match.pattern, match.node), i);
    for (const Symbol node : match.nodes) takers.try_emplace(named(match.pattern, node), i);
  }
  // One that comes back takes the place of the one that beat it.
  for (const PlannedMatch& match : matches) {
    if (match.winner.empty()) continue;
    const auto taker = takers.find(named(match.winner, match.node));
    admitted.try_emplace(named(match.pattern, match.node),
                         taker == takers.end() ? static_cast<uint32_t>(matches.size()) : taker->second);
  }
  return [admitted = std::move(admitted)](Symbol pattern, const Node& anchor) -> std::optional<uint32_t> {
    const auto known = admitted.find(named(pattern, anchor.name()));
    return known == admitted.end() ? std::nullopt : std::optional(known->second);
  };
}

void PlannedRound::note_unmatched(Report& report) const {
  std::set<NamedMatch> seen;
  for (const AppliedMatch& match : report.applied) seen.insert(named(match.pattern, match.replaced.front()));
  for (const SkippedMatch& match : report.skipped) seen.insert(named(match.pattern, match.node));
  for (const PlannedMatch& match : matches) {
    if (!match.apply || seen.contains(named(match.pattern, match.node))) continue;
    SkippedMatch& missing = report.skipped.emplace_back();
    missing.pattern = match.pattern;
    missing.node = match.node;
    missing.reason = "the plan names it, but it does not match";
  }
}

PlannedMatch& TransformationPlan::match(Symbol node, Symbol pattern) {
  for (PlannedRound& round : rounds) {
    for (PlannedMatch& match : round.matches) {
      if (match.node == node && match.pattern == pattern) return match;
    }
  }
  throw Error("plan.match", cat("the plan has no match of ", pattern.str(), " at %", node.str()));
}

std::string TransformationPlan::text() const {
  std::string out;
  for (const PlannedRound& round : rounds) {
    out += visible(round.phase.str()) + "\n";
    for (const PlannedMatch& match : round.matches) {
      std::vector<std::string> names;
      for (const Symbol name : match.nodes) names.push_back("%" + name.str());
      const std::string nodes = names.empty() ? "" : ": " + join(names);
      const std::string loss = match.winner.empty() ? "" : cat(" (", match.winner.str(), " takes a node of it)");
      out += visible(
                 cat(match.apply ? "  apply " : "  leave ", match.pattern.str(), " %", match.node.str(), nodes, loss)) +
             "\n";
    }
  }
  return out;
}

}  // namespace graftwork::core
