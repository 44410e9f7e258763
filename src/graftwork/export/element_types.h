// What an engine's element types ask of a network (FileRules::missing_types, FileRules::only_casts_uint8).
#pragma once

#include "graftwork/export/lowering.h"

namespace graftwork::core {

/// Throws Error "export.dtype" where the value of `node` is of a type that the engine has none of, or is UINT8 that is
/// computed with: numbers that stand in for UINT8 are moved, chosen and compared as those are, but do not wrap around.
void check_element_type(const Lowering& lowering, const Node& node);

/// Whether a value is UINT8 in the file, too: a cast whose result is a result of the network and nothing else.
bool is_cast_to_uint8_result(const Node& node);

}  // namespace graftwork::core
