// Arithmetic on extents of which some are names, or not known at all.
#pragma once

#include <optional>
#include <string>

#include "graftwork/onnx/operator_rules.h"

namespace graftwork::core::onnx {

/// The number, where it is one.
std::optional<int64_t> known(const Dimension& dim);
inline Dimension unknown_dim() { return std::string(); }
/// Rank times unknown_dim.
Dims unknown_dims(size_t rank);
/// An axis counted from the front. Throws IllegalOperands when there is no such axis.
size_t front_axis(int64_t axis, size_t rank);
/// The number of elements of some extents; nullopt where one is not known.
std::optional<int64_t> product(const Dims& dims, size_t begin, size_t end);
Dimension product_dim(const Dims& dims, size_t begin, size_t end);
/// Of extents and of what attributes say. Throw IllegalOperands beyond 64 bits.
int64_t checked_sum(int64_t a, int64_t b);
int64_t checked_product(int64_t a, int64_t b);
/// Two statements on one extent. Throws IllegalOperands when they contradict each other.
Dimension merged(const Dimension& a, const Dimension& b);
/// Of an elementwise operator. Throws IllegalOperands.
Dims broadcast(const Dims& a, const Dims& b);
/// "[1, N, ?]".
std::string text_of(const Dims& dims);

}  // namespace graftwork::core::onnx
