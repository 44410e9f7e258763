// What the fusion patterns share: the modules that the tree matched become parts of one fused module.
#pragma once

#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "graftwork/patterns/activations.h"
#include "graftwork/patterns/convolutions.h"
#include "graftwork/rewrite/pattern.h"

namespace graftwork {

/// Stages a fused module of `kind` with these children, in order, reading `inputs`. It gets the stubs that its kind
/// declares and a fake-quantize for its weight, or neither when its convolution has no INT8 kernel (rule S1).
Node& stage_fused(Symbol kind, std::vector<std::pair<Symbol, ModuleId>> parts, AttrMap attrs,
                  std::span<Node* const> inputs, Graft& graft);

class FusionPattern : public Pattern {
 protected:
  struct Part {
    Symbol role;
    Pat pat;
  };

  /// stage_fused() with the bound parts, in place of `root`.
  Outcome fuse(Symbol kind, std::initializer_list<Part> parts, std::initializer_list<Pat> inputs, const Pat& root,
               const Match& match, Graft& graft) const;
};

}  // namespace graftwork
