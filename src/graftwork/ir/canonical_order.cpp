#include "graftwork/ir/canonical_order.h"

#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"

namespace graftwork::core {
namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  a ^= b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2);
  a *= 0xbf58476d1ce4e5b9ULL;
  return a ^ (a >> 27);
}

}  // namespace

void CanonicalOrder::build_depths() const {
  depths_.resize(module_.graph().capacity());
  for (const Node& node : module_.graph().nodes()) {
    uint32_t& depth = depths_[node.id().index];
    for (const Use& use : node.inputs()) {
      if (use.producer()->kind() != NodeKind::kConstant) {
        depth = std::max(depth, depths_[use.producer()->id().index] + 1);
      }
    }
  }
}

void CanonicalOrder::build_contents() const {
  contents_.resize(module_.graph().capacity());
  std::vector<uint64_t> symbols;  // text hashes by symbol id: the ids themselves depend on who interned first
  const auto symbol_hash = [&](Symbol symbol) {
    if (symbols.size() <= symbol.id()) symbols.resize(symbol.id() + 1, 0);
    uint64_t& slot = symbols[symbol.id()];
    if (slot == 0) slot = hash_text(symbol.str()) | 1;
    return slot;
  };
  uint64_t input_number = 0;
  std::vector<const Node*> order;
  for (const Node& node : module_.graph().nodes()) {
    order.push_back(&node);
    Content& content = contents_[node.id().index];
    uint64_t hash = symbol_hash(node.op());
    if (node.kind() == NodeKind::kInput) hash = mix(hash, ++input_number);
    if (node.kind() == NodeKind::kConstant) hash = mix(hash, hash_text(node.constant().text()));
    if (node.kind() == NodeKind::kCallModule) hash = mix(hash, symbol_hash(module_.record(node).path));
    for (const auto& [name, value] : node.attrs()) hash = mix(mix(hash, symbol_hash(name)), hash_text(value.text()));
    content.own = hash;
    for (const Use& use : node.inputs()) hash = mix(hash, contents_[use.producer()->id().index].above);
    content.above = hash;
  }
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    const Content& content = contents_[(*at)->id().index];
    const uint64_t own = mix(content.own, content.below);
    // A sum, because the order of uses is no property of the network.
    for (const Use& use : (*at)->inputs()) contents_[use.producer()->id().index].below += mix(own, use.slot() + 1);
  }
}

bool CanonicalOrder::less(const Node& a, const Node& b) const {
  if (depth(a) != depth(b)) return depth(a) < depth(b);
  const auto path = [&](const Node& node) {
    return node.kind() == NodeKind::kCallModule ? module_.record(node).path : node.origin().module_path;
  };
  if (path(a) != path(b)) return path(a) < path(b);
  if (a.op() != b.op()) return a.op() < b.op();
  if (contents_.empty()) build_contents();
  const Content& content_a = contents_[a.id().index];
  const Content& content_b = contents_[b.id().index];
  if (content_a.above != content_b.above) return content_a.above < content_b.above;
  return content_a.below < content_b.below;
}

}  // namespace graftwork::core
