// Sizes at run time, from those of the inputs.
#pragma once

#include <map>
#include <optional>

#include "graftwork/ir/type.h"

namespace graftwork::core {

/// What symbols stand for in one run.
using SymbolValues = std::map<Symbol, int64_t>;

/// Learns what the symbols of a declared type stand for from the type that is given; nothing where they do not fit.
void learn_symbols(const TensorType& declared, const TensorType& given, SymbolValues& values);

/// The number that an extent is; nothing where a symbol is not known, where its text calls a function that is not known
/// here, or where the number is negative or beyond 2⁵³.
std::optional<int64_t> value_of(const Dim& dim, const SymbolValues& values);

}  // namespace graftwork::core
