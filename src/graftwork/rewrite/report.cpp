#include "graftwork/rewrite/report.h"

#include "graftwork/base/text.h"

namespace graftwork::core {

std::string SkippedMatch::why() const {
  return winner.empty() ? reason : cat("%", taken.str(), " belongs to a match of ", winner.str());
}

std::map<std::string, size_t> Report::counts() const {
  std::map<std::string, size_t> result;
  for (const AppliedMatch& match : applied) ++result[match.pattern.str()];
  return result;
}

void Report::append(Report&& other) {
  if (applied.empty() && skipped.empty()) {
    *this = std::move(other);
    return;
  }
  applied.insert(applied.end(), std::make_move_iterator(other.applied.begin()),
                 std::make_move_iterator(other.applied.end()));
  skipped.insert(skipped.end(), std::make_move_iterator(other.skipped.begin()),
                 std::make_move_iterator(other.skipped.end()));
}

std::string Report::text() const {
  std::string out;
  const auto add = [&](const auto&... parts) { out += visible(cat(parts...)) + "\n"; };
  for (const AppliedMatch& match : applied) {
    std::vector<std::string> names;
    for (auto at = match.replaced.rbegin(); at != match.replaced.rend(); ++at) names.push_back("%" + at->str());
    add(match.pattern.str(), "  ", join(names), match.result.empty() ? "" : " → %" + match.result.str());
  }
  for (const SkippedMatch& match : skipped) {
    if (match.winner.empty()) add(match.pattern.str(), "  %", match.node.str(), " skipped: ", match.why());
  }
  return out;
}

}  // namespace graftwork::core
