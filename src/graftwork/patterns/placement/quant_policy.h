// Layers that a recipe leaves in floating point by what they are, not by name.
#pragma once

namespace graftwork::core {

/// Why layers of squeeze-and-excite are left in floating point.
inline constexpr const char* kFloatSqueezeExcite =
    "squeeze-and-excite layers stay in floating point by the recipe's policy";

struct QuantPolicy {
  bool float_depthwise = false;  ///< Convolutions with one input channel a group (rules F2, S2: often slower in INT8).
  /// Layers between the pool and the multiply of squeeze-and-excite: one pixel wide, they gain nothing.
  bool float_squeeze_excite = false;
  /// Layers that read an input, or whose results become outputs, with no layer between.
  bool float_first_and_last = false;
  /// Linear layers on one row, or with fewer than 16 input or output channels (rule F11: no tensor cores).
  bool float_tiny_products = false;
  bool float_global_pooling = false;  ///< Average pooling to one pixel or a few (rule F9).
};

}  // namespace graftwork::core
