// The names of one pattern: what each stands for, and where expressions use them.
#pragma once

#include <unordered_map>
#include <vector>

#include "graftwork/patterns/text/expression.h"
#include "graftwork/patterns/text/operators.h"

namespace graftwork::core::gpat {

class Names {
 public:
  /// `captures` grows with `add`.
  Names(std::vector<Capture>& captures, const Vocabulary& vocabulary, const Lexer& place)
      : captures_(captures), vocabulary_(vocabulary), place_(place) {}

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const Lexer& place() const { return place_; }
  const Capture& operator[](size_t index) const { return captures_[index]; }
  size_t size() const { return captures_.size(); }

  /// Throws when the name is there already.
  size_t add(Capture capture);
  /// Nothing when there is no such name.
  std::optional<size_t> find(const std::string& name) const;
  /// Throws when there is no such name. The name counts as used.
  size_t at(const Word& name);

  void use(size_t capture) { ++uses_[capture]; }
  size_t uses(size_t capture) const { return uses_[capture]; }

  /// Looks the names of a condition or an attribute's value up. `self`: what a bare name is an attribute of; without
  /// it there are no bare names. Throws when a name, a property or an attribute does not exist.
  void resolve(Expr& expr, std::optional<size_t> self);
  /// The same for a parameter: constants, parameters of modules, and what is made of them.
  void resolve_parameter(Expr& expr);

  /// Captures that an expression mentions, each once; those it asks for what only their operator has.
  struct Mentions {
    std::vector<size_t> all;
    std::vector<size_t> parts;
  };
  static Mentions mentions(const Expr& expr);

 private:
  void resolve_property(Expr& expr, std::optional<size_t> self);
  void check_attribute(const Expr& expr, const std::string& name) const;

  std::vector<Capture>& captures_;
  const Vocabulary& vocabulary_;
  const Lexer& place_;
  std::unordered_map<std::string, size_t> by_name_;
  std::vector<size_t> uses_;
};

/// A name as messages show it.
std::string shown_name(const std::string& name);

}  // namespace graftwork::core::gpat
