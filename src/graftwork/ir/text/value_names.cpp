#include "graftwork/ir/text/value_names.h"

namespace graftwork::core {

std::string ValueNames::name() {
  lexer_.expect("%");
  return lexer_.expect_name("a value name");
}

void ValueNames::define(const std::string& name, Node& node, size_t offset) {
  if (!values_.emplace(name, &node).second) lexer_.fail_at(offset, "%" + name + " is defined twice");
}

Node& ValueNames::value() {
  const size_t offset = lexer_.peek().offset;
  const std::string wanted = name();
  const auto found = values_.find(wanted);
  if (found == values_.end()) lexer_.fail_at(offset, "%" + wanted + " is not defined above");
  return *found->second;
}

std::vector<Node*> ValueNames::operands() {
  std::vector<Node*> nodes;
  lexer_.expect("(");
  while (!lexer_.accept(")")) {
    lexer_.count_listed();
    nodes.push_back(&value());
    if (!lexer_.at(")")) lexer_.expect(",");
  }
  return nodes;
}

}  // namespace graftwork::core
