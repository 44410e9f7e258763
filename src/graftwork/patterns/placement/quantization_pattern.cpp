#include "graftwork/patterns/placement/quantization_pattern.h"

#include <algorithm>

namespace graftwork::core {
namespace {

struct Found {
  const QuantizationPattern* pattern;
  Match match;
};

std::vector<Found> find_all(const GraphModule& module, const QuantizationList& patterns) {
  std::vector<Tree> trees;
  for (const auto& pattern : patterns) trees.emplace_back(pattern->roots());
  Matcher matcher({&module, nullptr, nullptr});
  std::vector<Found> found;
  for (Node& node : module.graph().nodes()) {
    for (size_t i = 0; i < patterns.size(); ++i) {
      const auto& ops = trees[i].anchor_ops();
      if (std::find(ops.begin(), ops.end(), node.op()) == ops.end()) continue;
      Match match;
      if (matcher.find(trees[i], node, match)) found.push_back({patterns[i].get(), std::move(match)});
    }
  }
  return found;
}

}  // namespace

void settle_stubs(StubDraft& draft, const QuantizationList& patterns) {
  const std::vector<Found> found = find_all(draft.module(), patterns);
  for (const Found& each : found) each.pattern->propose(each.match, draft);
  for (size_t before = SIZE_MAX; before != draft.changes();) {
    before = draft.changes();
    // Against the flow: whether a value is read in INT8 depends on what comes behind it.
    for (auto each = found.rbegin(); each != found.rend(); ++each) each->pattern->settle(each->match, draft);
  }
  for (const Found& each : found) each.pattern->finish(each.match, draft);
}

}  // namespace graftwork::core
