// Literals, as printed graphs and pattern files write them.
#pragma once

#include <optional>

#include "graftwork/ir/attribute.h"
#include "graftwork/ir/text/lexer.h"

namespace graftwork::core {

/// A string, `none`, `true`, `false`, the name of an element type, an integer of 64 bits, or a number ("1e-05", "inf",
/// "nan"). Nothing when the token is none of them.
std::optional<Attribute> parse_literal(const Token& token);

/// The integer that this token alone is; nothing when it is none, or beyond 64 bits.
std::optional<int64_t> parse_integer(const Token& token);

}  // namespace graftwork::core
