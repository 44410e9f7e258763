// Symbolic sizes: sympy's srepr text, as .pt2 files hold it, read into a small tree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace graftwork::core::pt2 {

/// `Symbol('s77', positive=True)`, `Integer(4)`, `Mul(Integer(4), Symbol('s0'))`, `oo`, `Float('0.5', precision=53)`.
/// Assumptions and other keywords are dropped.
struct SympyExpr {
  enum class Kind {
    /// `name` is the symbol.
    kSymbol,
    /// `integer` is the number.
    kInteger,
    /// `name` is the function: "Add", "Mul", "Pow", "FloorDiv", "Max", "Rational" or any other; `args` its arguments.
    kCall,
    /// A bare name such as "oo" or "true", or the text of a Float, in `name`.
    kAtom,
  };
  Kind kind = Kind::kInteger;
  std::string name;
  int64_t integer = 0;
  std::vector<SympyExpr> args;

  bool operator==(const SympyExpr&) const = default;

  /// Readable and canonical for equal trees: "s77", "4*s77 + 1", "Max(3, s77)".
  std::string text() const;
};

/// Throws Error "pt2.expression" on anything else, on integers beyond 64 bits, on nesting deeper than 128,
/// and on more than 512 terms.
SympyExpr parse_sympy(std::string_view srepr);

}  // namespace graftwork::core::pt2
