// Expressions of pattern files: conditions on what is matched, and values that a graft takes from it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graftwork/match/pat.h"

namespace graftwork::core::gpat {

/// What a name asks of a captured value.
enum class Property : uint8_t {
  kValue,   ///< The value itself: `%a != %b`.
  kRank,    ///< Number of dimensions.
  kShape,   ///< The dimensions, outermost first.
  kDtype,   ///< The element type.
  kType,    ///< Element type and dimensions.
  kUsers,   ///< How many operands read it.
  kOp,      ///< Name of the operator or module kind, as text.
  kModule,  ///< Path of the module that it calls, as text.
  kNamed,   ///< An attribute or a parameter.
};

struct Expr {
  enum class Form : uint8_t { kLiteral, kList, kProperty, kIndex, kNot, kBinary, kCall };
  Form form = Form::kLiteral;
  size_t offset = 0;  ///< Where it stands in the file.
  size_t depth = 0;   ///< Longest way to a leaf.
  Attribute literal;  ///< kLiteral; kIndex: the index.
  std::string word;   ///< kProperty: the captured name; kBinary: "==", "and", "in", ...; kCall: the function.
  std::string path;   ///< kProperty: what follows the name, "shape", "attr.dtype".
  std::vector<Expr> operands;

  // Filled in once the names are known.
  size_t capture = 0;
  Property property = Property::kValue;
  Symbol name;  ///< kNamed.

  /// As it would be written.
  std::string text() const;
};

/// A name of a pattern file and the positions behind it.
struct Capture {
  enum class Form : uint8_t { kWildcard, kConstant, kOp, kOptional, kChain, kStretch };
  std::string name;
  size_t offset = 0;
  Form form = Form::kWildcard;
  std::vector<Symbol> ops;  ///< kOp, kOptional, kChain.
  Pat value = any();        ///< What readers of the name read.
  Pat part = value;         ///< The operator itself: another position than `value` where it is optional.
};

/// The nodes that the names of an expression stand for.
struct Scope {
  const GraphModule& module;
  std::span<const Capture> captures;
  const Bindings* bound = nullptr;
  const Node* only = nullptr;  ///< All names stand for this node; else `bound` knows.

  const Node* value(size_t capture) const;
  /// Null where an optional operator is absent.
  const Node* part(size_t capture) const;
};

enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

/// Unknown where it depends on a size that is known at run time only, or compares what cannot be compared.
Truth decide(const Expr& condition, const Scope& scope);

/// The value of an expression of constants; nothing when it has none (`none % 2`). Requires is_constant.
std::optional<Attribute> known_value(const Expr& expr);

/// A constant for an attribute. Throws Error "pattern.value" when it is known at run time only, or there is none.
Attribute constant_value(const Expr& expr, const Scope& scope);

/// A parameter, or nothing where a captured module has none of that name. Throws Error "pattern.value", "ir.parameter".
std::optional<ParamExpr> parameter_value(const Expr& expr, const Scope& scope);

/// The value as messages show it: "7", "s0", "f32"; "?" where it has none.
std::string shown_value(const Expr& expr, const Scope& scope);

/// Whether it is written with numbers and words alone.
bool is_constant(const Expr& expr);

}  // namespace graftwork::core::gpat
