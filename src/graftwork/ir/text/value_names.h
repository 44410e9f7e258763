// The values that a printed graph has defined so far, by name.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/ir/graph.h"
#include "graftwork/ir/text/lexer.h"

namespace graftwork::core {

/// Reads names with the lexer. All throw Error as it does.
class ValueNames {
 public:
  explicit ValueNames(Lexer& lexer) : lexer_(lexer) {}

  /// "%NAME".
  std::string name();
  /// Throws where the name is defined already. `offset` is where it stands.
  void define(const std::string& name, Node& node, size_t offset);
  /// "%NAME" of a value defined above.
  Node& value();
  /// "(%a, %b)".
  std::vector<Node*> operands();
  size_t size() const { return values_.size(); }

 private:
  Lexer& lexer_;
  std::unordered_map<std::string, Node*> values_;
};

}  // namespace graftwork::core
