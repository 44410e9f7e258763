// Putting a kernel in the place of what it computes.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "graftwork/rewrite/pattern.h"

namespace graftwork::core {

/// A module with a body that is to take the place of matched nodes.
struct KernelCall {
  Symbol kind;
  std::vector<std::pair<Symbol, ModuleId>> parts;  ///< By role, in the order of the body.
  AttrMap attrs = {};
  std::vector<Node*> inputs;
  std::vector<Node*> replaces;  ///< The nodes whose values its results are, in the order of the body's results.
};

/// Stages the call and replaces the nodes. A fused module gets the stubs that its kind declares and a fake-quantize for
/// each weight, or neither where one of its layers has no low-precision kernel. Declines when what is to be replaced is
/// not, node by node, what the body computes of the inputs: a kernel never changes the function.
Outcome replace_by_kernel(KernelCall call, Graft& graft);

/// Whether the operator of a body gives the same for its two inputs in either order.
bool is_commutative(const Node& operation);

/// Replaces a call of a converted module by one of the kernel `kind`, whose body is the same: attributes and parts go
/// along. Declines where the bodies differ.
Outcome replace_by_kernel_of(Node& call, Symbol kind, Graft& graft);

}  // namespace graftwork::core
