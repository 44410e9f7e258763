#include "graftwork/quant/shared_scales.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "graftwork/base/number_text.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr float kLargestRatio = 4;  // two bits, 12 dB
constexpr double kFewBits = 4;

float amax_of(const std::map<std::string, Range>& ranges, Symbol tensor) {
  const auto range = ranges.find(tensor.str());
  return range == ranges.end() ? 0 : range->second.amax();
}

/// Members of one group, from the widest range on: each narrower class begins where the ratio is exceeded.
void split(std::vector<PlannedStub*> members, const std::map<std::string, Range>& ranges) {
  const auto amax = [&](const PlannedStub* stub) { return amax_of(ranges, stub->tensor); };
  std::stable_sort(members.begin(), members.end(), [&](auto* a, auto* b) { return amax(a) > amax(b); });
  const Symbol around = members.front()->scale_group;
  const float widest = amax(members.front());
  for (size_t begin = 0, end = 0; begin < members.size(); begin = end) {
    while (end < members.size() &&
           (amax(members[end]) == 0 || amax(members[end]) * kLargestRatio >= amax(members[begin])))
      ++end;
    const Symbol group = begin == 0 ? around : members[begin]->tensor;
    for (size_t i = begin; i < end; ++i) {
      PlannedStub& stub = *members[i];
      stub.scale_group = end - begin > 1 ? group : Symbol();
      if (begin > 0)
        stub.reason += cat("; apart from the scale around %", around.str(), ", which would take ",
                           fixed(std::log2(widest / amax(&stub)), 1), " of its bits");
    }
  }
}

const Node* concatenation(const std::unordered_map<Symbol, const Node*>& nodes, const PlannedStub& stub) {
  const auto node = nodes.find(stub.tensor);
  return node != nodes.end() && node->second->op() == Symbol("aten.cat.default") ? node->second : nullptr;
}

std::unordered_map<Symbol, const Node*> by_name(const GraphModule& module) {
  std::unordered_map<Symbol, const Node*> nodes;
  for (const Node& node : module.graph().nodes()) nodes.emplace(node.name(), &node);
  return nodes;
}

}  // namespace

std::vector<Symbol> joined_values(const GraphModule& module, const StubPlan& plan) {
  const auto nodes = by_name(module);
  std::vector<Symbol> values;
  for (const PlannedStub& stub : plan.stubs) {
    const Node* concat = stub.given ? nullptr : concatenation(nodes, stub);
    if (!concat) continue;
    for (const Use& use : concat->inputs()) {
      if (use.producer()->kind() != NodeKind::kConstant) values.push_back(use.producer()->name());
    }
  }
  return values;
}

void split_scale_groups(StubPlan& plan, const std::map<std::string, Range>& ranges) {
  std::map<std::string, std::vector<PlannedStub*>> groups;
  for (PlannedStub& stub : plan.stubs) {
    if (!stub.scale_group.empty() && !stub.given) groups[stub.scale_group.str()].push_back(&stub);
  }
  for (const auto& [name, members] : groups) split(members, ranges);
}

std::vector<std::string> coarse_concatenations(const GraphModule& module, const StubPlan& plan,
                                               const std::map<std::string, Range>& ranges) {
  const auto nodes = by_name(module);
  std::vector<std::string> lines;
  for (const PlannedStub& stub : plan.stubs) {
    const Node* concat = stub.given ? nullptr : concatenation(nodes, stub);
    if (!concat) continue;
    Symbol narrowest;
    for (const Use& use : concat->inputs()) {
      const Symbol input = use.producer()->name();
      const float amax = amax_of(ranges, input);
      if (amax > 0 && (narrowest.empty() || amax < amax_of(ranges, narrowest))) narrowest = input;
    }
    if (narrowest.empty()) continue;
    const double left = 8 - std::log2(amax_of(ranges, stub.tensor) / amax_of(ranges, narrowest));
    if (left >= kFewBits) continue;
    lines.push_back(cat("%", stub.tensor.str(), " joins %", narrowest.str(), ", which ends at ",
                        amax_of(ranges, narrowest), ", with values to ", amax_of(ranges, stub.tensor),
                        ": one scale leaves it ", fixed(std::max(left, 0.0), 1), " of 8 bits; try skipping ",
                        stub.readers.front().module.str(), " in the recipe"));
  }
  return lines;
}

}  // namespace graftwork::core
