// Attributes as they are written.
#pragma once

#include "graftwork/ir/attribute.h"
#include "graftwork/ir/text/lexer.h"

namespace graftwork::core {

/// What `$` may refer to where an attribute stands.
struct References {
  size_t inputs = 0;    ///< `$0`, `$1`, ...: inputs of the call.
  bool record = false;  ///< `$name`: an attribute of the module whose body it is.
};

/// Reads an attribute: none, true, 12, 0.5, "text", f32, [..., ...], $0. Throws through the lexer.
Attribute read_attribute(Lexer& lexer, References references, int depth = 0);

/// Reads `{name=value, ...}`; nothing when there is no brace.
AttrMap read_attributes(Lexer& lexer, References references);

/// The element that a get_item of `inputs` operands with these attributes reads. `offset` is where it stands.
int64_t item_index(const AttrMap& attrs, size_t inputs, const Lexer& lexer, size_t offset);

/// Reads an integer; `what` completes "expected …".
int64_t read_integer(Lexer& lexer, std::string_view what);

}  // namespace graftwork::core
