// Reads the printed form of a network. See docs/ir.md for the grammar.
#pragma once

#include <string>
#include <string_view>

#include "graftwork/ir/graph_module.h"

namespace graftwork {

/// Parses one graph. Throws Error "gir.syntax" (line and column) or "ir.*" when the text is no valid
/// network. `source` names the text in messages.
GraphModule parse(std::string_view text, const std::string& source = "text");

}  // namespace graftwork
