// Fusions in C++, where text cannot say what to find: the modules that the tree matched become parts of a kernel.
#pragma once

#include <initializer_list>

#include "graftwork/patterns/stage_kernel.h"

namespace graftwork::core {

class FusionPattern : public Pattern {
 protected:
  struct Part {
    Symbol role;
    Pat pat;
  };

  /// Replaces `root` by a call of `kind`, a kernel with one result, on the bound parts. Declines as replace_by_kernel.
  static Outcome fuse(Symbol kind, std::initializer_list<Part> parts, std::initializer_list<Pat> inputs,
                      const Pat& root, const Match& match, Graft& graft);
};

}  // namespace graftwork::core
