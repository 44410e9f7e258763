// What the nodes of a graph that is read may take.
#pragma once

#include <cstddef>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// Holds a graph that grows node by node, as a file asks for it, to kMostNodes and kMostNodeBytes. Types and attributes
/// count as if no two nodes shared them, as they would be printed.
class NodeBudget {
 public:
  /// Counts the nodes and the records of modules that are new since the last call. Throws Error "ir.size".
  void spend(const GraphModule& module);

 private:
  void spend(size_t bytes);

  size_t nodes_ = 0;
  size_t records_ = 0;
  size_t bytes_ = 0;
};

}  // namespace graftwork::core
