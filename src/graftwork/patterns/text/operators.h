// Operators and module kinds by name, as pattern files name them.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/ir/kind.h"
#include "graftwork/ir/text/lexer.h"
#include "graftwork/patterns/text/syntax.h"

namespace graftwork::gpat {

/// Sets of operators by name: what `let` defines.
using OperatorSets = std::unordered_map<std::string, std::vector<Symbol>>;

/// The operators that the words name, each once. A word is a set, a kind, or an operator's whole name
/// (aten.relu.default), which need not be known. Throws through `place`.
std::vector<Symbol> operators_of(const std::vector<Word>& words, const OperatorSets& sets, const Lexer& place);

/// Adds a set. Throws through `place` when its name is taken.
void add_operator_set(const LetText& let, OperatorSets& sets, const Lexer& place);

/// Whether it has the form of an operator's whole name: aten.relu.default.
bool is_operator_name(const std::string& name);

/// The kind of a module; null for operators.
const Kind* module_kind(Symbol op);

[[noreturn]] void refuse_kind(const Word& name, const Lexer& place);

}  // namespace graftwork::gpat
