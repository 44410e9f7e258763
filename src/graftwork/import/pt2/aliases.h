// Which values of an exported program share memory, and where memory is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graftwork/base/symbol.h"
#include "graftwork/import/pt2/schema.h"

namespace graftwork::pt2 {

/// "aten.relu_.default" → "aten.relu.default"; nothing when the operator does not write in place or this
/// torch has no functional form of it with the same arguments.
std::optional<Symbol> functional_form(Symbol op);

/// Whether the operator writes to an argument.
bool writes_in_place(Symbol op);

/// Finds in-place writes that renaming cannot make functional: a value shares memory with the written one
/// (a view, or what it is a view of) and is read later. One line for each, with its place.
std::vector<std::string> writes_through_views(const Graph& graph);

/// The graph's name of an operator: "torch.ops.aten.conv2d.default" → "aten.conv2d.default",
/// "_operator.mul" → "sym.mul".
Symbol operator_name(std::string_view target);

}  // namespace graftwork::pt2
