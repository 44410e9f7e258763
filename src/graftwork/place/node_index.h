// The values and module calls of a network, by the names that a plan uses.
#pragma once

#include <map>
#include <vector>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

struct NodeIndex {
  explicit NodeIndex(const GraphModule& module) {
    for (Node& node : module.graph().nodes()) {
      by_name.emplace(node.name(), &node);
      if (node.kind() == NodeKind::kCallModule) callers[module.record(node).path].push_back(&node);
    }
  }
  std::map<Symbol, Node*> by_name;
  std::map<Symbol, std::vector<Node*>> callers;  // by module path
};

}  // namespace graftwork::core
