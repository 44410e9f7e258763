// What quantized tensors are stored as.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace graftwork::core {

/// Symmetric integers, weights one code less at the lower end than activations: INT8 −128..127, INT4 −8..7,
/// INT16 −32768..32767. FP8 is E4M3, numbers up to ±448.
enum class Precision : uint8_t { kInt8, kInt4, kInt16, kFp8 };

/// As recipes, plans and printed graphs spell them: "int8", "int4", "int16", "fp8".
std::string_view name_of(Precision precision);
std::optional<Precision> precision_named(std::string_view name);
/// In prose: "INT8", "INT4", "INT16", "FP8".
std::string_view title_of(Precision precision);

}  // namespace graftwork::core
