// What a network from a file may hold, however few bytes ask for it. docs/bounds.md lists these and all others.
#pragma once

#include <cstddef>
#include <cstdint>

namespace graftwork::core {

/// Letters of one symbolic extent. Fibonacci's numbers, as sums of symbols, grow by two thirds with each line of a
/// graph.
inline constexpr size_t kLongestExtent = 4096;

/// Dimensions of a tensor: what torch can reduce and NumPy can hold.
inline constexpr size_t kMostDimensions = 64;

/// Parts into which one operator splits a tensor.
inline constexpr int64_t kMostParts = 65536;

/// Nodes of a graph that is read.
inline constexpr size_t kMostNodes = size_t{1} << 17;

/// Bytes of all types and attributes of a graph that is read, as NodeBudget counts them.
inline constexpr size_t kMostNodeBytes = size_t{1} << 26;

/// Elements of all lists in one text: extents, operands, results, numbers.
inline constexpr size_t kMostListed = size_t{1} << 21;

/// Letters of a name.
inline constexpr size_t kLongestName = 4096;

}  // namespace graftwork::core
