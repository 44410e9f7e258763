// An order of nodes that does not depend on how the graph happens to be stored.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Ranks nodes by depth (longest path from the inputs; constants count nothing), then module path, then
/// operator, then what they compute (a hash of operators, attributes and wiring above), then how they
/// are used (the same below). Nodes that tie in all of it are interchangeable. Valid while the graph
/// does not change. O(nodes + uses) at the first question, which takes the graph as it is then.
class CanonicalOrder {
 public:
  explicit CanonicalOrder(const GraphModule& module) : module_(module) {}

  uint32_t depth(const Node& node) const { return depth(node.id().index); }
  /// Of the node with this index (NodeId).
  uint32_t depth(uint32_t index) const {
    if (depths_.empty()) build_depths();
    return depths_[index];
  }
  bool less(const Node& a, const Node& b) const;

 private:
  struct Content {
    uint64_t own = 0;    // what the node is
    uint64_t above = 0;  // and what it reads
    uint64_t below = 0;  // and what reads it
  };
  void build_depths() const;
  void build_contents() const;

  const GraphModule& module_;
  // By arena index. Each is built when it is first asked for: names tie rarely.
  mutable std::vector<uint32_t> depths_;
  mutable std::vector<Content> contents_;
};

}  // namespace graftwork::core
