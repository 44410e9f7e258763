// What the fusion patterns share: the modules that the tree matched become parts of one fused module.
#pragma once

#include <initializer_list>

#include "graftwork/patterns/activations.h"
#include "graftwork/patterns/convolutions.h"
#include "graftwork/rewrite/pattern.h"

namespace graftwork {

class FusionPattern : public Pattern {
 protected:
  struct Part {
    Symbol role;
    Pat pat;
  };

  /// Stages a fused module of `kind` with the bound parts as children, in order, reading `inputs`, in
  /// place of `root`. It gets the stubs that its kind declares and a fake-quantize for its weight, or
  /// neither when its convolution has no INT8 kernel (rule S1).
  Outcome fuse(Symbol kind, std::initializer_list<Part> parts, std::initializer_list<Pat> inputs, const Pat& root,
               const Match& match, Graft& graft) const;
};

}  // namespace graftwork
