#include "graftwork/patterns/explain.h"

#include <algorithm>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/match/matcher.h"
#include "graftwork/rewrite/rewriter.h"

namespace graftwork::core {
namespace {

constexpr size_t kMostSuggestions = 6;

Symbol path_of(const GraphModule& module, const Node& node) {
  return node.kind() == NodeKind::kCallModule ? module.record(node).path : node.origin().module_path;
}

std::string describe(const GraphModule& module, const Node& node) {
  const Symbol path = path_of(module, node);
  return cat("%", node.name().str(), " = ", node.op().str(), path.empty() ? "" : ", of " + path.str());
}

/// Values of that name, else those of the module at that path.
std::vector<const Node*> named(const GraphModule& module, Symbol name) {
  std::vector<const Node*> by_name, by_path;
  for (const Node& node : module.graph().nodes()) {
    if (node.name() == name) by_name.push_back(&node);
    if (path_of(module, node) == name) by_path.push_back(&node);
  }
  return by_name.empty() ? by_path : by_name;
}

const Node* node_named(const GraphModule& module, Symbol name) {
  for (const Node& node : module.graph().nodes()) {
    if (node.name() == name) return &node;
  }
  return nullptr;
}

bool consumed(const AppliedMatch& match, Symbol name) {
  return std::find(match.replaced.begin(), match.replaced.end(), name) != match.replaced.end();
}

[[noreturn]] void refuse(const GraphModule& module, Symbol name) {
  std::vector<std::string> like;
  for (const Node& node : module.graph().nodes()) {
    for (const Symbol candidate : {node.name(), path_of(module, node)}) {
      const bool fits = !candidate.empty() && candidate.str().find(name.str()) != std::string::npos;
      const bool is_new = std::find(like.begin(), like.end(), candidate.str()) == like.end();
      if (fits && is_new && like.size() < kMostSuggestions) like.push_back(candidate.str());
    }
  }
  throw Error("explain.node", cat("the network has no value and no module ", name.str()),
              like.empty() ? "a name that the network shows when it is printed" : join(like));
}

/// The network at the three points where names can be asked for, and what was done in between.
class Stages {
 public:
  Stages(const GraphModule& module, const PatternSections& lists)
      : loaded_(module), converted_(module.clone()), lists_(lists) {
    converted_.use_kinds(lists.kinds);
    before_ = prepare_graph(converted_, lists.recompositions);
    MatchBudget budget(converted_.graph().size());
    before_.append(Rewriter(lists.conversions, &budget).run_to_fixpoint(converted_));
    fused_ = converted_.clone();
    fusing_ = Rewriter(lists.fusions, &budget).run_once(fused_);
  }

  std::vector<Explanation> explain(Symbol name) const {
    std::vector<Explanation> found;
    for (const Node* node : named(loaded_, name)) found.push_back(follow(*node));
    if (!found.empty()) return found;
    for (const Node* node : named(converted_, name)) found.push_back(from_converted({}, *node));
    if (!found.empty()) return found;
    for (const Node* node : named(fused_, name)) {
      Explanation explanation;
      explanation.node = describe(fused_, *node);
      for (const AppliedMatch& match : fusing_.applied) {
        if (match.result == node->name()) explanation.history.push_back(match);
      }
      explanation.outcome = "is one kernel";
      found.push_back(std::move(explanation));
    }
    if (found.empty()) refuse(loaded_, name);
    return found;
  }

 private:
  Explanation follow(const Node& node) const {
    Explanation explanation;
    explanation.node = describe(loaded_, node);
    Symbol now = node.name();
    for (const AppliedMatch& match : before_.applied) {
      if (!consumed(match, now)) continue;
      explanation.history.push_back(match);
      now = match.result;
      if (consumed(match, now) || !node_named(loaded_, now)) continue;  // made by the match
      explanation.history.back().result = {};
      explanation.outcome = cat("is gone: its readers read %", now.str(), " instead");
      return explanation;
    }
    const Node* left = now.empty() ? nullptr : node_named(converted_, now);
    if (left) return from_converted(std::move(explanation), *left);
    explanation.outcome = "is gone: the network computes the same without it";
    return explanation;
  }

  Explanation from_converted(Explanation explanation, const Node& node) const {
    if (explanation.node.empty()) explanation.node = describe(converted_, node);
    for (const AppliedMatch& match : fusing_.applied) {
      if (!consumed(match, node.name())) continue;
      explanation.history.push_back(match);
      const Node* fused = node_named(fused_, match.result);
      explanation.outcome = cat("is a part of ", fused ? describe(fused_, *fused) : "nothing any more");
      return explanation;
    }
    explanation.outcome = cat("is left as it is: ", describe(converted_, node));
    for (const std::shared_ptr<const Pattern>& pattern : lists_.recompositions) {
      if (pattern_declined(*pattern, node))
        explanation.misses.push_back({pattern->name(), node.name(), reason_of(pattern->name(), node.name()), true});
    }
    for (const PatternList* list : {&lists_.conversions, &lists_.fusions}) {
      for (const std::shared_ptr<const Pattern>& pattern : *list) add_miss(*pattern, node, explanation.misses);
    }
    const auto is_near = [](const NearestMiss& miss) { return miss.is_near; };
    if (std::any_of(explanation.misses.begin(), explanation.misses.end(), is_near)) {
      std::erase_if(explanation.misses, [](const NearestMiss& miss) { return !miss.is_near; });
    }
    return explanation;
  }

  /// Whether the node is what a recomposition looks for, and was not made a module of.
  bool pattern_declined(const Pattern& pattern, const Node& node) const {
    return std::any_of(before_.skipped.begin(), before_.skipped.end(), [&](const SkippedMatch& skipped) {
      return skipped.pattern == pattern.name() && skipped.node == node.name() && !skipped.reason.empty();
    });
  }

  /// Tries the pattern wherever its tree could reach the node, and keeps the attempt that came furthest.
  void add_miss(const Pattern& pattern, const Node& node, std::vector<NearestMiss>& misses) const {
    const Tree tree(pattern.roots());
    if (!tree.mentions(node.op())) return;
    const CanonicalOrder order(converted_);
    Matcher matcher({&converted_, &order, nullptr});
    std::optional<MatchFailure> furthest;
    const Node* furthest_anchor = nullptr;
    for (Node* anchor : below(node, tree.depth())) {
      const std::vector<Symbol>& ops = tree.anchor_ops();
      if (std::find(ops.begin(), ops.end(), anchor->op()) == ops.end()) continue;
      Match match;
      if (matcher.find(tree, *anchor, match)) {
        const std::span<Node* const> nodes = match.nodes();
        if (std::find(nodes.begin(), nodes.end(), &node) == nodes.end()) continue;
        misses.push_back({pattern.name(), anchor->name(), reason_of(pattern.name(), anchor->name()), true});
        return;
      }
      const MatchFailure& failure = matcher.failure();
      // A wrong operator somewhere else says nothing about this node.
      if (!failure.is_near_miss() && anchor != &node && failure.node != &node) continue;
      const auto rank = [](const MatchFailure& f) { return std::pair(f.is_near_miss(), f.depth); };
      if (furthest && rank(*furthest) >= rank(failure)) continue;
      furthest = failure;
      furthest_anchor = anchor;
    }
    if (furthest)
      misses.push_back({pattern.name(), furthest_anchor->name(), furthest->text(), furthest->is_near_miss()});
  }

  /// Why a match that fits was not carried out.
  std::string reason_of(Symbol pattern, Symbol anchor) const {
    for (const Report* report : {&before_, &fusing_}) {
      for (const SkippedMatch& skipped : report->skipped) {
        if (skipped.pattern == pattern && skipped.node == anchor) return skipped.why();
      }
    }
    return "it fits only once the other patterns are through";
  }

  /// The node and what reads it, directly or through others, `levels` deep.
  static std::vector<Node*> below(const Node& node, uint32_t levels) {
    std::vector<Node*> found{const_cast<Node*>(&node)};
    std::unordered_set<const Node*> seen{&node};
    size_t begin = 0;
    for (uint32_t level = 0; level < levels; ++level) {
      const size_t end = found.size();
      for (; begin < end; ++begin) {
        for (const Use* use = found[begin]->uses(); use; use = use->next()) {
          if (seen.insert(use->user()).second) found.push_back(use->user());
        }
      }
    }
    return found;
  }

  const GraphModule& loaded_;
  GraphModule converted_;
  GraphModule fused_;
  const PatternSections& lists_;
  Report before_;
  Report fusing_;
};

}  // namespace

std::string Explanation::text() const {
  std::string out = visible(node) + "\n";
  const auto add = [&](const auto&... parts) { out += "  " + visible(cat(parts...)) + "\n"; };
  for (const AppliedMatch& match : history) {
    std::vector<std::string> names;
    for (auto name = match.replaced.rbegin(); name != match.replaced.rend(); ++name) names.push_back("%" + name->str());
    add(match.pattern.str(), " took ", join(names), match.result.empty() ? "" : " and made %" + match.result.str());
  }
  add(outcome);
  for (const NearestMiss& miss : misses) {
    add(miss.pattern.str(), " does not match at %", miss.anchor.str(), ": ", miss.reason);
  }
  return out;
}

std::vector<Explanation> explain(const GraphModule& module, Symbol name, const PatternSections& lists) {
  return Stages(module, lists).explain(name);
}

}  // namespace graftwork::core
