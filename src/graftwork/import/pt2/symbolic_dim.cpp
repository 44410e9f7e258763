#include "graftwork/import/pt2/symbolic_dim.h"

#include "graftwork/base/error.h"
#include "graftwork/import/pt2/sympy_expr.h"

namespace graftwork::core::pt2 {
namespace {

/// Linear where the expression is, else one symbol named by the expression's text.
Dim linear(const SympyExpr& expr) {
  switch (expr.kind) {
    case SympyExpr::Kind::kInteger:
      return Dim(expr.integer);
    case SympyExpr::Kind::kSymbol:
    case SympyExpr::Kind::kAtom:
      return Dim::symbol(expr.name);
    case SympyExpr::Kind::kCall:
      break;
  }
  if (expr.name == "Add" || expr.name == "Mul") {
    const bool adds = expr.name == "Add";
    Dim total(adds ? 0 : 1);
    for (const SympyExpr& arg : expr.args) total = adds ? total + linear(arg) : total * linear(arg);
    return total;
  }
  if (expr.name == "FloorDiv" && expr.args.size() == 2 && expr.args[1].kind == SympyExpr::Kind::kInteger &&
      expr.args[1].integer > 0) {
    return linear(expr.args[0]).floor_div(expr.args[1].integer);
  }
  return Dim::symbol("(" + expr.text() + ")");
}

}  // namespace

Dim dim_of(const SymInt& size) {
  if (const int64_t* number = std::get_if<int64_t>(&size)) return Dim(*number);
  return linear(parse_sympy(std::get<SymbolicExpression>(size).text));
}

Dim stride_of(const SymInt& stride) {
  try {
    return dim_of(stride);
  } catch (const Error&) {
    return Dim::symbol("(" + std::get<SymbolicExpression>(stride).text + ")");
  }
}

}  // namespace graftwork::core::pt2
