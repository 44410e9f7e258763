#include "graftwork/ir/text/attribute_text.h"

#include "graftwork/base/text.h"
#include "graftwork/ir/text/literal.h"

namespace graftwork::core {
namespace {

constexpr int kDepthLimit = 64;

Attribute read_reference(Lexer& lexer, References references, size_t offset) {
  if (references.record && lexer.peek().kind == TokenKind::kWord)
    return RecordRef{lexer.expect_name("the name of an attribute")};
  const int64_t slot = read_integer(lexer, "an input number");
  if (slot < 0 || static_cast<size_t>(slot) >= references.inputs)
    lexer.fail_at(offset, cat("there is no input ", slot));
  return InputRef{static_cast<uint32_t>(slot)};
}

}  // namespace

int64_t item_index(const AttrMap& attrs, size_t inputs, const Lexer& lexer, size_t offset) {
  const Attribute* index = attrs.find("index");
  if (inputs != 1 || !index || !index->get<int64_t>()) lexer.fail_at(offset, "get_item(%tuple) {index=0}");
  return *index->get<int64_t>();
}

int64_t read_integer(Lexer& lexer, std::string_view what) {
  const Token token = lexer.take();
  const auto number = parse_integer(token);
  if (!number) lexer.fail_at(token.offset, cat("expected ", what));
  return *number;
}

Attribute read_attribute(Lexer& lexer, References references, int depth) {
  if (depth >= kDepthLimit) lexer.fail(cat("nested deeper than ", kDepthLimit, " levels"));
  if (const size_t offset = lexer.peek().offset; lexer.accept("$")) return read_reference(lexer, references, offset);
  if (lexer.accept("[")) {
    Attribute::List list;
    while (!lexer.accept("]")) {
      lexer.count_listed();
      list.push_back(read_attribute(lexer, references, depth + 1));
      if (!lexer.at("]")) lexer.expect(",");
    }
    return Attribute(std::move(list));
  }
  const Token token = lexer.take();
  if (auto constant = parse_literal(token)) return *std::move(constant);
  lexer.fail_at(token.offset, "\"" + token.text + "\" is no constant");
}

AttrMap read_attributes(Lexer& lexer, References references) {
  AttrMap attrs;
  if (!lexer.accept("{")) return attrs;
  while (!lexer.accept("}")) {
    const Symbol name = lexer.expect_name("an attribute name");
    lexer.expect("=");
    attrs.set(name, read_attribute(lexer, references));
    if (!lexer.at("}")) lexer.expect(",");
  }
  return attrs;
}

}  // namespace graftwork::core
