// What quantized tensors are stored as.
#pragma once

#include <cstdint>

namespace graftwork {

/// Activations −128..127, weights −127..127, symmetric.
enum class Precision : uint8_t { kInt8 };

}  // namespace graftwork
