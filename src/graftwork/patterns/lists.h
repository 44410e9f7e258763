// The ordered lists of patterns.
#pragma once

#include "graftwork/patterns/quantizations/quantization_pattern.h"
#include "graftwork/rewrite/pattern.h"

namespace graftwork {

/// Operators back to modules: the front half of transform, run to a fix-point.
PatternList recompositions();
/// The lists that a transformation works through, in this order.
struct PatternSections {
  PatternList recompositions;  ///< Operators back to modules, to a fix-point.
  PatternList conversions;     ///< To a fix-point.
  PatternList fusions;         ///< Once.
};

/// TENSORRT_CONVERSIONS: structures that TensorRT does not understand, run to a fix-point.
PatternList tensorrt_conversions();
/// TENSORRT_FUSIONS: what TensorRT runs as one kernel, run once.
PatternList tensorrt_fusions();
/// TENSORRT_QUANTIZATIONS: what the surroundings of a fused module say about its stubs.
QuantizationList tensorrt_quantizations();
/// TENSORRT_PATTERNS: the conversions, then the fusions.
PatternList tensorrt_patterns();
/// TENSORRT_SMOOTHINGS: none yet.
PatternList tensorrt_smoothings();

}  // namespace graftwork
