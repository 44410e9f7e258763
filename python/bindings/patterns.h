// Patterns, kinds and lists as Python holds them.
#pragma once

#include <torch/csrc/utils/pybind.h>

#include <memory>
#include <string>
#include <vector>

#include "graftwork/patterns/backend.h"
#include "graftwork/patterns/lists.h"

namespace graftwork::python {

/// One entry of a list: a pattern that rewrites, one that places stubs, or one that smooths.
struct PatternHandle {
  enum class Section { kRecomposition, kConversion, kFusion, kSmoothing, kQuantization };
  Section section = Section::kFusion;
  std::shared_ptr<const core::Pattern> pattern = {};
  std::shared_ptr<const core::QuantizationPattern> placement = {};
  std::shared_ptr<const core::SmoothingPattern> smoothing = {};
  /// What the pattern makes may be of these.
  std::shared_ptr<const core::KindTable> kinds = {};

  std::string name() const;
};

/// The list of the handles, each in its section, with the kinds of all. Recompositions of the program stand first.
/// Throws Error "patterns.name" where two patterns have one name.
core::PatternSections sections_of(const std::vector<PatternHandle>& patterns);

}  // namespace graftwork::python
