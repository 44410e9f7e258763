// An order of nodes that does not depend on how the graph happens to be stored.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "graftwork/ir/graph_module.h"

namespace graftwork {

/// Ranks nodes by depth (longest path from the inputs; constants count nothing), then module path, then
/// operator, then what they compute (a hash of operators, attributes and wiring above), then how they
/// are used (the same below). Nodes that tie in all of it are interchangeable. Valid while the graph
/// does not change. O(nodes + uses) to build.
class CanonicalOrder {
 public:
  explicit CanonicalOrder(const GraphModule& module);

  /// One more than the largest arena index of a node.
  size_t size() const { return entries_.size(); }
  uint32_t depth(const Node& node) const { return entries_[node.id().index].depth; }
  bool less(const Node& a, const Node& b) const;

 private:
  struct Entry {
    uint32_t depth = 0;
    uint64_t own = 0;    // what the node is
    uint64_t above = 0;  // and what it reads
  };
  void build_below() const;

  const GraphModule& module_;
  std::vector<Entry> entries_;           // by arena index
  mutable std::vector<uint64_t> below_;  // built on the first tie
};

}  // namespace graftwork
