// Kinds with a body as they are written; see ir/body.h.
#pragma once

#include <string>

#include "graftwork/ir/kind.h"
#include "graftwork/ir/text/lexer.h"

namespace graftwork::core {

/// Reads `NAME(%inputs) { body }` behind the word "kernel" (a fused kind) or "converted". Throws through the lexer.
Kind read_kernel(Lexer& lexer, Family family);

/// What can be said of a kind with a body: values that it names, positions of inputs, attributes that its operators
/// refer to. Completes a kind whose name, family and body are set. Throws Error "ir.kernel" when a value to quantize is
/// no value of the body, when a result is one, or when the body has no result.
void complete_kernel(Kind& kind, const std::vector<Symbol>& quantize, const std::vector<Symbol>& can_quantize);

/// The definition; read_kernel reads it.
std::string print_kernel(const Kind& kind);

}  // namespace graftwork::core
