#include "graftwork/rewrite/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {

PlannedRound PlannedRound::of(Symbol phase, const Report& report) {
  PlannedRound round{phase, {}};
  for (const AppliedMatch& match : report.applied) {
    round.matches.push_back(
        {match.pattern, match.replaced.front(), {match.replaced.rbegin(), match.replaced.rend()}, true, {}});
  }
  for (const SkippedMatch& match : report.skipped) {
    if (match.winner.empty() || round.find(match.node, match.pattern)) continue;
    round.matches.push_back({match.pattern, match.node, {}, false, match.winner});
  }
  return round;
}

const PlannedMatch* PlannedRound::find(Symbol node, Symbol pattern) const {
  const auto found = std::find_if(matches.begin(), matches.end(), [&](const PlannedMatch& match) {
    return match.node == node && match.pattern == pattern;
  });
  return found == matches.end() ? nullptr : &*found;
}

MatchFilter PlannedRound::filter() const {
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> admitted;
  const auto admit = [&](const PlannedMatch& match, size_t place) {
    admitted.try_emplace({match.pattern.id(), match.node.id()}, static_cast<uint32_t>(place));
  };
  for (size_t i = 0; i < matches.size(); ++i) {
    if (matches[i].apply && matches[i].winner.empty()) admit(matches[i], i);
  }
  // One that comes back takes the place of the one that beat it.
  for (const PlannedMatch& match : matches) {
    if (match.winner.empty()) continue;
    const auto beat = std::find_if(matches.begin(), matches.end(), [&](const PlannedMatch& other) {
      return other.pattern == match.winner &&
             std::find(other.nodes.begin(), other.nodes.end(), match.node) != other.nodes.end();
    });
    admit(match, static_cast<size_t>(beat - matches.begin()));
  }
  return [admitted = std::move(admitted)](Symbol pattern, const Node& anchor) -> std::optional<uint32_t> {
    const auto known = admitted.find({pattern.id(), anchor.name().id()});
    return known == admitted.end() ? std::nullopt : std::optional(known->second);
  };
}

void PlannedRound::note_unmatched(Report& report) const {
  std::set<std::pair<uint32_t, uint32_t>> seen;
  for (const AppliedMatch& match : report.applied) seen.emplace(match.pattern.id(), match.replaced.front().id());
  for (const SkippedMatch& match : report.skipped) seen.emplace(match.pattern.id(), match.node.id());
  for (const PlannedMatch& match : matches) {
    if (!match.apply || seen.contains({match.pattern.id(), match.node.id()})) continue;
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
    out += round.phase.str() + "\n";
    for (const PlannedMatch& match : round.matches) {
      std::vector<std::string> names;
      for (const Symbol name : match.nodes) names.push_back("%" + name.str());
      out += cat(match.apply ? "  apply " : "  leave ", match.pattern.str(), " %", match.node.str());
      if (!names.empty()) out += ": " + join(names);
      if (!match.winner.empty()) out += cat(" (", match.winner.str(), " takes a node of it)");
      out += '\n';
    }
  }
  return out;
}

}  // namespace graftwork
