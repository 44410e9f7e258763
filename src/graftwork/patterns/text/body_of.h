// A pattern's tree as the body of a kernel.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "graftwork/ir/graph_module.h"
#include "graftwork/patterns/text/names.h"

namespace graftwork::core::gpat {

/// What a call of a kernel says of the tree.
struct TreeRoles {
  std::vector<size_t> inputs;                                     ///< Captures that the call reads, by position.
  std::vector<size_t> results;                                    ///< Captures that its results replace.
  std::vector<std::pair<Symbol, size_t>> parts;                   ///< Captured modules by role.
  std::vector<std::pair<Symbol, const Expr*>> record_attributes;  ///< Attributes that the call sets.
};

/// The tree between inputs and results, as a body. Values are named after the pattern's. Throws through the names'
/// place where a position can be no part of a body: one of several operators, a stretch, a value that the call does not
/// read.
std::shared_ptr<const GraphModule> body_of(const PatternText& text, const Names& names, const TreeRoles& roles);

/// Whether a tree's body is one that a kernel declares, up to parts that the kernel may lack: nothing, or the first
/// value of the tree's where they part, and how.
struct BodyDifference {
  Symbol value;
  std::string what;
};
std::optional<BodyDifference> tree_difference(const GraphModule& declared, const GraphModule& tree);

}  // namespace graftwork::core::gpat
