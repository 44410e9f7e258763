// The ordered lists of patterns.
#pragma once

#include "graftwork/ir/kind.h"
#include "graftwork/rewrite/pattern.h"

namespace graftwork::core {

/// Operators back to modules: the front half of transform, run to a fix-point.
PatternList recompositions();

/// The lists that a transformation works through, in this order, and the kinds of what they make.
struct PatternSections {
  PatternList recompositions;  ///< Operators back to modules, to a fix-point.
  PatternList conversions;     ///< To a fix-point.
  PatternList fusions;         ///< Once.
  std::shared_ptr<const KindTable> kinds = KindTable::torch();
};

}  // namespace graftwork::core
