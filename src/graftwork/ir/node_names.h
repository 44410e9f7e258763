// The names of a graph's nodes, each of which should stand for one value.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "graftwork/base/symbol_map.h"

namespace graftwork::core {

/// Counts the nodes of each name. The empty name counts for nothing.
class NodeNames {
 public:
  void add(Symbol name);
  /// Requires that the name was added.
  void remove(Symbol name) noexcept;
  /// `wanted`, or `wanted_1`, `wanted_2`, ... when that is taken. Counting goes on where it ended: a thousand nodes of
  /// one name are a thousand steps, not a million.
  Symbol unique(Symbol wanted);

  /// `wanted` instead of what unique(wanted) made, if it is free now.
  bool exchange(Symbol made, Symbol wanted) noexcept;

 private:
  bool is_taken(Symbol name) const { return counts_.get(name) > 0; }

  SymbolMap<uint32_t> counts_;
  std::unordered_map<Symbol, uint32_t> last_suffix_;  // of the names that were wanted twice
};

}  // namespace graftwork::core
