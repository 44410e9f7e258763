// Layers that a recipe leaves in floating point by what they are, not by name.
#pragma once

namespace graftwork {

struct QuantPolicy {
  bool float_depthwise = false;  ///< Convolutions with one input channel a group (rules F2, S2: often slower in INT8).
  /// Layers between the pool and the multiply of squeeze-and-excite: one pixel wide, they gain nothing.
  bool float_squeeze_excite = false;
};

}  // namespace graftwork
