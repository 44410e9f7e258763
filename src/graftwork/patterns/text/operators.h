// Operators and module kinds by name, as pattern files name them.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graftwork/ir/kind.h"
#include "graftwork/ir/text/lexer.h"
#include "graftwork/patterns/text/syntax.h"

namespace graftwork::core::gpat {

/// What the words of a file may mean: kinds, and sets of operators by name. There is one set from the beginning,
/// `activation`, the activations that a kernel in front of them may take in.
class Vocabulary {
 public:
  explicit Vocabulary(std::shared_ptr<const KindTable> kinds);

  const std::shared_ptr<const KindTable>& kinds() const { return kinds_; }
  /// The kind of a module; null for operators and what is unknown.
  const Kind* module_kind(Symbol op) const;
  /// Adds a kind that the file defines. Throws through `place` when there is another one of its name.
  void add(Kind kind, size_t offset, const Lexer& place);
  /// Adds a set. Throws through `place` when the file has one of that name already.
  void add(const LetText& let, const Lexer& place);

  /// The operators that the words name, each once. A word is a set, a kind, "get_item", or an operator's whole name
  /// (aten.relu.default), which need not be known. Throws through `place`.
  std::vector<Symbol> operators_of(const std::vector<Word>& words, const Lexer& place) const;

  [[noreturn]] void refuse_kind(const Word& name, const Lexer& place) const;

 private:
  std::string most_like(const std::string& name) const;

  std::shared_ptr<const KindTable> kinds_;
  std::unordered_map<std::string, std::vector<Symbol>> sets_;
  std::unordered_set<std::string> own_sets_;
};

/// Whether it has the form of an operator's whole name: aten.relu.default.
bool is_operator_name(const std::string& name);

}  // namespace graftwork::core::gpat
