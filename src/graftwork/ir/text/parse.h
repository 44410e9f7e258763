// Reads the printed form of a network. See docs/ir.md for the grammar.
#pragma once

#include <string>
#include <string_view>

#include "graftwork/ir/graph_module.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {

/// Parses one graph, with the kinds that it defines in front. Modules may be of these and of `kinds`. Throws Error
/// "gir.syntax" (line and column) or "ir.*" when the text is no valid network. `source` names the text in messages.
GraphModule parse(std::string_view text, const std::string& source = "text",
                  const std::shared_ptr<const KindTable>& kinds = KindTable::torch());

}  // namespace graftwork::core
