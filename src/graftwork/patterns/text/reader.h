// Text → pattern files as they are written.
#pragma once

#include "graftwork/ir/text/lexer.h"
#include "graftwork/patterns/text/syntax.h"

namespace graftwork::core::gpat {

/// Reads a whole file. Throws what the lexer throws, at the first thing that is not as docs/patterns.md says.
FileText read_file(Lexer& lexer);

}  // namespace graftwork::core::gpat
