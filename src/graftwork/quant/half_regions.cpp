#include "graftwork/quant/half_regions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/mask_values.h"
#include "graftwork/quant/written_constants.h"

namespace graftwork::core {
namespace {

/// Of a tensor that ends below it FP16 keeps less than 60 dB: its numbers there are multiples of 2⁻²⁴.
constexpr float kTiny = 0x1p-15F;

/// Whether the result is as large as the largest of what the node reads: next to it a small operand's error is none.
bool adds_up(const Use& use, const GraphModule& module) {
  const Node& reader = *use.user();
  if (reader.kind() == NodeKind::kCallModule) return module.record(reader).body && use.slot() > 0;  // a residual
  constexpr std::array<std::string_view, 9> kNames{"add",   "sub",     "cat", "concat", "stack",
                                                   "where", "maximum", "max", "rsub"};
  return reader.kind() == NodeKind::kCallFunction &&
         std::find(kNames.begin(), kNames.end(), operator_name(reader.op())) != kNames.end();
}

class Regions {
 public:
  Regions(const Network& network, const std::map<std::string, Range>& ranges, const PlacementRules& rules)
      : network_(network), ranges_(ranges), rules_(rules), masks_(network) {
    for (const Node& node : network.module.graph().nodes()) nodes_.push_back(&node);
    find_small_that_matter();
  }

  WideNodes run(const WideNodes& probed) {
    for (const Node* node : nodes_) {
      if (const auto known = probed.find(node->name().str()); known != probed.end()) widen(*node, known->second);
      keep_large(*node);
      keep_small(*node);
      keep_constants(*node);
    }
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) widen_stubs_of(**node);
    return std::move(wide_);
  }

 private:
  void widen(const Node& node, const std::string& reason) {
    if (node.kind() == NodeKind::kGetItem) return widen(node.input(0), reason);
    const bool computes = node.kind() == NodeKind::kCallModule || node.kind() == NodeKind::kCallFunction;
    if (computes) wide_.emplace(node.name().str(), reason);
  }
  void widen_readers(const Node& node, const std::string& reason) {
    for (const Use* use = node.uses(); use; use = use->next()) {
      if (use->user()->kind() == NodeKind::kGetItem) {
        widen_readers(*use->user(), reason);
      } else {
        widen(*use->user(), reason);
      }
    }
  }

  /// 0 where nothing is known.
  float amax(const Node& node) const {
    if (is_quant_stub(node)) return amax(node.input(0));
    const auto range = ranges_.find(node.name().str());
    return range == ranges_.end() ? 0 : range->second.amax();
  }
  bool is_tiny(const Node& node) const { return amax(node) > 0 && amax(node) < kTiny; }

  void keep_large(const Node& node) {
    if (!(amax(node) > kLargestHalf)) return;
    const std::string reason = cat("%", node.name().str(), " reaches ", amax(node));
    widen(node, reason);
    widen_readers(node, reason);
  }

  void keep_small(const Node& node) {
    if (!matters_.contains(&node)) return;
    const std::string reason = cat("%", node.name().str(), " ends at ", amax(node));
    widen(node, reason);
    for (const Use* use = node.uses(); use; use = use->next()) {
      if (matters_to(*use)) widen(*use->user(), reason);
    }
  }

  /// A small result, or one of which a reader makes something that is not small.
  void find_small_that_matter() {
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
      if (!is_tiny(**node)) continue;
      for (const Use* use = (*node)->uses(); use; use = use->next()) {
        if (matters_to(*use)) matters_.insert(*node);
      }
    }
  }
  bool matters_to(const Use& use) const {
    const Node& reader = *use.user();
    if (reader.kind() == NodeKind::kOutput) return true;
    if (is_tiny(reader)) return matters_.contains(&reader);
    return amax(reader) > 0 && !adds_up(use, network_.module);
  }

  void keep_constants(const Node& node) {
    for (const WrittenConstant& constant : written_constants(network_, node)) {
      const bool is_mask = masks_.is_absorbed(constant.value ? *constant.value : node);
      if (!constant.fits() && !is_clamp(node) && !is_mask) {
        widen(node, cat("its constant ", constant.name, " reaches ", constant.largest));
      } else if (!constant.keeps_bits() && (!is_tiny(node) || matters_.contains(&node))) {
        widen(node, cat("FP16 keeps ", std::lround(constant.quality), " dB of its constant ", constant.name));
      }
    }
  }

  /// Goes back from what is wide through what only moves data; to be called for readers before those that they read.
  void widen_stubs_of(const Node& node) {
    const auto known = wide_.find(node.name().str());
    if (known == wide_.end() || is_quant_stub(node)) return;
    for (const Use& use : node.inputs()) {
      std::vector<const Node*> way{use.producer()};
      while (rules_.keeps(*way.back()) && way.back()->input_count() == 1) way.push_back(&way.back()->input(0));
      if (!is_quant_stub(*way.back())) continue;
      for (const Node* between : way) widen(*between, known->second);
    }
  }

  const Network& network_;
  const std::map<std::string, Range>& ranges_;
  const PlacementRules& rules_;
  MaskValues masks_;
  std::vector<const Node*> nodes_;
  std::unordered_set<const Node*> matters_;
  WideNodes wide_;
};

}  // namespace

WideNodes half_regions(const Network& network, const std::map<std::string, Range>& ranges, const WideNodes& probed,
                       const PlacementRules& rules) {
  return Regions(network, ranges, rules).run(probed);
}

std::vector<WideRegion> wide_regions(const Network& network) {
  std::vector<WideRegion> regions;
  std::unordered_map<const Node*, size_t> of;
  for (const Node& node : network.module.graph().nodes()) {
    if (of.contains(&node) || !network.wide.contains(node.name().str())) continue;
    std::vector<const Node*> members{&node};
    of.emplace(&node, regions.size());
    const auto visit = [&](const Node& other) {
      if (is_wide(network.wide, other) && of.emplace(&other, regions.size()).second) members.push_back(&other);
    };
    for (size_t next = 0; next < members.size(); ++next) {
      for (const Use& use : members[next]->inputs()) visit(*use.producer());
      for (const Use* use = members[next]->uses(); use; use = use->next()) visit(*use->user());
    }
    std::sort(members.begin(), members.end(), [](const Node* a, const Node* b) { return a->before(*b); });
    WideRegion region;
    for (const Node* member : members) {
      const auto known = network.wide.find(member->name().str());
      if (known == network.wide.end()) continue;  // an element of a tuple
      region.nodes.push_back(known->first);
      if (std::find(region.reasons.begin(), region.reasons.end(), known->second) == region.reasons.end())
        region.reasons.push_back(known->second);
    }
    regions.push_back(std::move(region));
  }
  return regions;
}

std::string text_of(const WideRegion& region) {
  const size_t count = region.nodes.size();
  const std::string names = count <= 3
                                ? "%" + join(region.nodes, ", %")
                                : cat("%", region.nodes.front(), " … %", region.nodes.back(), " (", count, " nodes)");
  const std::string more =
      region.reasons.size() > 1 ? cat(" and ", counted(region.reasons.size() - 1, "further reason")) : "";
  return cat(names, ": ", region.reasons.front(), more);
}

}  // namespace graftwork::core
