#include "graftwork/patterns/text/reader.h"

#include <array>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/kernel_text.h"
#include "graftwork/ir/text/literal.h"
#include "graftwork/match/tree.h"

namespace graftwork::core::gpat {
namespace {

constexpr size_t kDepthLimit = 64;
constexpr size_t kMostOperators = 128;  // of one position
constexpr size_t kMostItems = 1024;     // of any other list
constexpr size_t kLongestShown = 40;
constexpr uint32_t kOpenEnded = 16;  // what "*" and "+" stop at

std::string shown(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "the end of the text";
  const bool is_ascii = token.kind != TokenKind::kPunctuation || static_cast<unsigned char>(token.text[0]) < 0x80;
  if (!is_ascii) return "a character beyond ASCII";
  return quoted(token.text.size() > kLongestShown ? token.text.substr(0, kLongestShown) + "..." : token.text);
}

class Reader {
 public:
  explicit Reader(Lexer& lexer) : lexer_(lexer) {}

  FileText run() {
    FileText file;
    while (lexer_.peek().kind != TokenKind::kEnd) {
      const Token word = lexer_.take();
      if (is(word, "let")) {
        file.lets.push_back(let());
        check_count(file.lets.size());
      } else if (is(word, "kernel") || is(word, "converted")) {
        file.kernels.push_back(
            {read_kernel(lexer_, is(word, "kernel") ? Family::kFused : Family::kConverted), word.offset});
        check_count(file.kernels.size());
      } else {
        file.patterns.push_back(pattern(word));
      }
    }
    return file;
  }

 private:
  struct DepthGuard {
    explicit DepthGuard(Reader& owner) : reader(owner) {
      if (++reader.depth_ > kDepthLimit) reader.lexer_.fail(cat("nested deeper than ", kDepthLimit, " levels"));
    }
    ~DepthGuard() { --reader.depth_; }
    DepthGuard(const DepthGuard&) = delete;
    DepthGuard& operator=(const DepthGuard&) = delete;
    Reader& reader;
  };

  static bool is(const Token& token, std::string_view word) {
    return token.kind == TokenKind::kWord && token.text == word;
  }
  void expect(std::string_view punctuation) {
    if (!lexer_.accept(punctuation)) fail(cat("\"", punctuation, "\""));
  }
  /// Two characters without a blank between them, as in "==".
  bool accept_pair(char first, char second) {
    if (!at_pair(first, second)) return false;
    lexer_.take();
    lexer_.take();
    return true;
  }
  bool at_pair(char first, char second) const {
    if (!lexer_.at(std::string_view(&first, 1))) return false;
    Lexer ahead = lexer_;
    const size_t offset = ahead.take().offset;
    return ahead.at(std::string_view(&second, 1)) && ahead.peek().offset == offset + 1;
  }
  void check_count(size_t count) const {
    if (count > kMostItems) lexer_.fail(cat("more than ", kMostItems, " in a row"));
  }
  [[noreturn]] void fail(const std::string& wanted, const std::string& hint = {}) const {
    lexer_.fail_at(lexer_.peek().offset, cat("expected ", wanted, " and found ", shown(lexer_.peek())), hint);
  }

  Word word(std::string_view what) {
    const Token& token = lexer_.peek();
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kString) fail(std::string(what));
    Token taken = lexer_.take();
    return {std::move(taken.text), taken.offset};
  }

  /// The name behind "%", and, behind its first ".", a path.
  struct Reference {
    Word name;
    std::string path;
  };
  Reference reference() {
    const size_t offset = lexer_.peek().offset;
    expect("%");
    // A path may begin with a number: "%x.0" never does, "%0" may.
    if (lexer_.peek().kind != TokenKind::kWord && lexer_.peek().kind != TokenKind::kNumber) fail("a name behind \"%\"");
    const std::string text = lexer_.take().text;
    const size_t dot = text.find('.');
    Reference result{{text.substr(0, dot), offset}, dot == std::string::npos ? "" : text.substr(dot + 1)};
    if (result.name.text.find('-') != std::string::npos || result.path.find('-') != std::string::npos) {
      lexer_.fail_at(offset, cat("\"-\" stands inside the name %", shorten(text)),
                     "letters, digits and \"_\" in names, and a blank in front of a minus");
    }
    if (dot != std::string::npos && result.path.empty()) fail("what is asked of %" + shorten(result.name.text));
    return result;
  }
  static std::string shorten(const std::string& text) {
    return text.size() > kLongestShown ? text.substr(0, kLongestShown) + "..." : text;
  }

  Word value_name() {
    Reference result = reference();
    if (!result.path.empty()) {
      lexer_.fail_at(result.name.offset, cat("%", shorten(result.name.text), ".", shorten(result.path), " is no name"),
                     "a name without \".\"");
    }
    return std::move(result.name);
  }

  LetText let() {
    LetText result;
    result.name = word("the name of a set of operators");
    expect("=");
    result.ops = operators();
    return result;
  }

  PatternText pattern(const Token& section) {
    PatternText result;
    if (is(section, "fusion")) {
      result.section = Section::kFusion;
    } else if (is(section, "conversion")) {
      result.section = Section::kConversion;
    } else if (is(section, "recomposition")) {
      result.section = Section::kRecomposition;
    } else {
      lexer_.fail_at(section.offset, cat(shown(section), " starts no pattern"),
                     "recomposition, conversion, fusion, kernel, converted, or let");
    }
    result.name = word("the name of the pattern");
    expect("{");
    while (!at_pair('=', '>')) {
      if (!lexer_.at("%")) fail("a position, \"%name = operator(%inputs)\", or \"=>\"");
      result.positions.push_back(position());
      // Every position costs at least one number of the tree; the rest is counted when names are known.
      if (result.positions.size() > Tree::kMaxPositions) too_many(result.positions.back().name.offset);
    }
    if (result.positions.empty()) fail("a position in front of \"=>\"", "what to find: %y = nn.ReLU(%x)");
    accept_pair('=', '>');
    while (!lexer_.accept("}")) {
      check_count(result.results.size() + result.requirements.size());
      if (lexer_.accept_word("require")) {
        result.requirements.push_back(requirement());
      } else {
        result.results.push_back(this->result());
      }
    }
    if (result.results.empty()) {
      lexer_.fail_at(result.name.offset, cat("there is nothing behind \"=>\" in ", shorten(result.name.text)),
                     "what to put there, or: erase %name");
    }
    return result;
  }

  [[noreturn]] void too_many(size_t offset) const {
    lexer_.fail_at(offset, cat("a pattern has at most ", Tree::kMaxPositions, " positions"), "two patterns");
  }

  std::vector<Word> operators() {
    std::vector<Word> ops{word("an operator")};
    while (lexer_.accept("|")) {
      ops.push_back(word("an operator"));
      if (ops.size() > kMostOperators) {
        lexer_.fail_at(ops.back().offset, cat("a position has at most ", kMostOperators, " operators"), "any(%x)");
      }
    }
    return ops;
  }

  std::vector<Word> operands(bool* more_inputs) {
    std::vector<Word> names;
    expect("(");
    while (!lexer_.accept(")")) {
      if (more_inputs && lexer_.at(".")) {
        for (int i = 0; i < 3; ++i) expect(".");
        *more_inputs = true;
        expect(")");
        break;
      }
      names.push_back(value_name());
      if (names.size() > Tree::kMaxPositions) too_many(names.back().offset);
      if (!lexer_.at(")")) expect(",");
    }
    return names;
  }

  PositionText position() {
    PositionText result;
    result.name = value_name();
    if (result.name.text == "_") lexer_.fail_at(result.name.offset, "%_ has no name to define", "a name of its own");
    expect("=");
    if (lexer_.accept_word("constant")) {
      result.form = PositionText::Form::kConstant;
    } else {
      result.ops = operators();
      if (result.ops.size() == 1 && result.ops[0].text == "any") result.form = PositionText::Form::kAnyOp;
      result.operands = operands(&result.more_inputs);
      result.quantifier = quantifier();
      if (lexer_.at("{")) result.attributes = assignments();
    }
    while (true) {
      const size_t offset = lexer_.peek().offset;
      check_count(result.conditions.size());
      if (lexer_.accept_word("where")) {
        result.conditions.push_back(where());
      } else if (lexer_.accept_word("commutes")) {
        result.commutes = offset;
      } else if (lexer_.accept_word("may_escape")) {
        result.may_escape = offset;
      } else {
        return result;
      }
    }
  }

  std::optional<PositionText::Quantifier> quantifier() {
    const size_t offset = lexer_.peek().offset;
    if (lexer_.accept("?")) return PositionText::Quantifier{0, 1, offset, true};
    if (lexer_.accept("*")) return PositionText::Quantifier{0, kOpenEnded, offset, false};
    if (lexer_.accept("+")) return PositionText::Quantifier{1, kOpenEnded, offset, false};
    if (!lexer_.at("{")) return std::nullopt;
    Lexer ahead = lexer_;
    ahead.take();
    if (ahead.peek().kind != TokenKind::kNumber) return std::nullopt;
    lexer_.take();
    const uint32_t min = count();
    expect(",");
    const uint32_t max = count();
    expect("}");
    if (min > max || max == 0) lexer_.fail_at(offset, cat("there is no number from ", min, " to ", max), "{1,4}");
    return PositionText::Quantifier{min, max, offset, false};
  }

  uint32_t count() {
    const auto number = parse_integer(lexer_.peek());
    if (!number || *number < 0 || *number > int64_t{Pat::kMaxStretch}) fail(cat("a number up to ", Pat::kMaxStretch));
    lexer_.take();
    return static_cast<uint32_t>(*number);
  }

  Where where() {
    Where result{condition(), std::nullopt};
    if (lexer_.peek().kind == TokenKind::kString) {
      const Token reason = lexer_.take();
      if (reason.text.empty())
        lexer_.fail_at(reason.offset, "the reason is empty", "what is in the way: \"it is ...\"");
      result.reason = reason.text;
    }
    return result;
  }

  std::vector<Assignment> assignments() {
    std::vector<Assignment> result;
    expect("{");
    while (!lexer_.accept("}")) {
      Assignment one{word("an attribute name"), {}};
      expect("=");
      one.value = sum();
      result.push_back(std::move(one));
      check_count(result.size());
      if (!lexer_.at("}")) expect(",");
    }
    return result;
  }

  RequireText requirement() {
    RequireText result{condition(), {}};
    if (lexer_.peek().kind != TokenKind::kString) fail("the reason why a match without it is left alone, in quotes");
    const Token reason = lexer_.take();
    std::string_view rest = reason.text;
    while (!rest.empty()) {
      const size_t open = rest.find('{');
      Template::Piece piece{std::string(rest.substr(0, open)), std::nullopt};
      rest = open == std::string_view::npos ? std::string_view() : rest.substr(open + 1);
      if (open != std::string_view::npos) {
        const size_t close = rest.find('}');
        if (close == std::string_view::npos) lexer_.fail_at(reason.offset, "a \"{\" of the reason has no \"}\"");
        piece.value = shown_in_reason(rest.substr(0, close), reason.offset);
        rest = rest.substr(close + 1);
      }
      result.reason.pieces.push_back(std::move(piece));
      check_count(result.reason.pieces.size());
    }
    return result;
  }

  /// The value between braces; what is wrong with it is told at `offset`, where the reason stands.
  Expr shown_in_reason(std::string_view text, size_t offset) const {
    try {
      Lexer inner(text, "", "gpat.syntax");
      Reader reader(inner);
      Expr value = reader.sum();
      if (inner.peek().kind != TokenKind::kEnd) reader.fail("\"}\"");
      move_to(value, offset);
      return value;
    } catch (const Error& error) {
      lexer_.fail_at(offset, "in the reason: " + error.message(), error.hint());
    }
  }
  static void move_to(Expr& expr, size_t offset) {
    expr.offset = offset;
    for (Expr& operand : expr.operands) move_to(operand, offset);
  }

  ResultText result() {
    ResultText result;
    if (lexer_.at_word("erase")) {
      lexer_.take();
      result.form = ResultText::Form::kErase;
      result.callee = value_name();
      return result;
    }
    if (!lexer_.at("%")) fail("a result, \"%name = ...\", \"%name\" or \"erase %name\", or \"}\"");
    Word name = value_name();
    while (lexer_.accept(",")) {
      result.further_targets.push_back(value_name());
      check_count(result.further_targets.size());
    }
    if (result.further_targets.empty() && !lexer_.accept("=")) {
      result.callee = std::move(name);
      return result;
    }
    if (!result.further_targets.empty()) expect("=");
    result.target = std::move(name);
    if (lexer_.at("%") && !result.further_targets.empty()) fail("a call that has several results");
    if (lexer_.at("%")) {
      result.callee = value_name();
      if (!lexer_.at("(")) return result;
      result.form = ResultText::Form::kAgain;
      result.operands = operands(nullptr);
      return result;
    }
    result.form = ResultText::Form::kCall;
    if (lexer_.accept_word("kernel")) result.declaration.emplace();
    result.callee = word("a module kind, an operator, or a value");
    if (lexer_.accept("@")) result.path = path();
    result.operands = operands(nullptr);
    if (lexer_.at("{")) result.attributes = assignments();
    if (lexer_.at("[")) result.parts = parts();
    if (result.declaration && lexer_.accept_word("quantize")) result.declaration->quantize = value_names();
    if (result.declaration && lexer_.accept_word("can_quantize")) result.declaration->can_quantize = value_names();
    return result;
  }

  std::vector<Word> value_names() {
    std::vector<Word> names;
    do {
      names.push_back(value_name());
      check_count(names.size());
    } while (lexer_.accept(","));
    return names;
  }

  ResultText::Path path() {
    if (!lexer_.at("%")) return {{}, word("a module path").text};
    Reference name = reference();
    return {std::move(name.name), name.path.empty() ? "" : "." + name.path};
  }

  std::vector<ResultText::Part> parts() {
    std::vector<ResultText::Part> result;
    expect("[");
    while (!lexer_.accept("]")) {
      Word role = word("a role");
      Reference part{role, {}};  // `[conv]`: the role is the name
      if (lexer_.accept("=")) part = reference();
      result.push_back({std::move(role), std::move(part.name), std::move(part.path)});
      check_count(result.size());
      if (!lexer_.at("]")) expect(",");
    }
    return result;
  }

  // Conditions and values, loosest first.

  /// An expression whose operands are complete.
  Expr grown(Expr expr) const {
    for (const Expr& operand : expr.operands) expr.depth = std::max(expr.depth, operand.depth + 1);
    if (expr.depth > kDepthLimit) lexer_.fail_at(expr.offset, cat("more than ", kDepthLimit, " terms in a row"));
    return expr;
  }

  Expr binary(Expr first, std::string op, Expr second, size_t offset) const {
    Expr expr;
    expr.form = Expr::Form::kBinary;
    expr.offset = offset;
    expr.word = std::move(op);
    expr.operands.push_back(std::move(first));
    expr.operands.push_back(std::move(second));
    return grown(std::move(expr));
  }

  template <class Operand, class Operator>
  Expr left_to_right(const Operand& operand, const Operator& next_operator) {
    Expr expr = operand();
    while (true) {
      const size_t offset = lexer_.peek().offset;
      const std::string op = next_operator();
      if (op.empty()) return expr;
      expr = binary(std::move(expr), op, operand(), offset);
    }
  }

  Expr condition() {
    const DepthGuard guard(*this);
    return left_to_right([&] { return conjunction(); },
                         [&] { return std::string(lexer_.accept_word("or") ? "or" : ""); });
  }
  Expr conjunction() {
    return left_to_right([&] { return negation(); },
                         [&] { return std::string(lexer_.accept_word("and") ? "and" : ""); });
  }
  Expr negation() {
    const DepthGuard guard(*this);
    const size_t offset = lexer_.peek().offset;
    if (!lexer_.accept_word("not")) return comparison();
    Expr expr;
    expr.form = Expr::Form::kNot;
    expr.offset = offset;
    expr.operands.push_back(negation());
    return grown(std::move(expr));
  }

  std::string comparison_operator() {
    if (accept_pair('=', '=')) return "==";
    if (accept_pair('!', '=')) return "!=";
    if (accept_pair('<', '=')) return "<=";
    if (accept_pair('>', '=')) return ">=";
    if (lexer_.accept("<")) return "<";
    if (lexer_.accept(">")) return ">";
    if (lexer_.at("=") && !at_pair('=', '>')) lexer_.fail("\"=\" compares nothing: write \"==\"");
    return lexer_.accept_word("in") ? "in" : "";
  }
  Expr comparison() {
    Expr first = sum();
    const size_t offset = lexer_.peek().offset;
    const std::string op = comparison_operator();
    if (op.empty()) return first;
    if (op == "in" && !lexer_.at("[")) fail("a list behind \"in\"", "in [1, 2]");
    return binary(std::move(first), op, sum(), offset);
  }

  Expr sum() {
    return left_to_right([&] { return product(); },
                         [&] {
                           return std::string(lexer_.accept("+") ? "+" : lexer_.accept("-") ? "-" : "");
                         });
  }
  Expr product() {
    return left_to_right([&] { return indexed(); },
                         [&] {
                           if (lexer_.accept("*")) return std::string("*");
                           if (lexer_.accept("/")) return std::string("/");
                           return std::string(at_modulo() && lexer_.accept("%") ? "%" : "");
                         });
  }
  /// "%" is a remainder in front of a blank or a parenthesis, and else the start of a name: `where %a == 1 %b = ...`.
  bool at_modulo() const {
    if (!lexer_.at("%")) return false;
    Lexer ahead = lexer_;
    const size_t offset = ahead.take().offset;
    return ahead.at("(") || ahead.at("%") || ahead.peek().offset > offset + 1;
  }

  Expr indexed() {
    Expr expr = primary();
    for (int links = 0; lexer_.at("[") && expr.form != Expr::Form::kList; ++links) {
      if (links > 1) lexer_.fail("more than two indices");
      Expr element;
      element.form = Expr::Form::kIndex;
      element.offset = lexer_.take().offset;
      const Attribute index = literal(lexer_.take());
      if (!index.get<int64_t>()) lexer_.fail_at(element.offset, "an index is an integer");
      element.literal = index;
      expect("]");
      element.operands.push_back(std::move(expr));
      expr = grown(std::move(element));
    }
    return expr;
  }

  Expr primary() {
    const DepthGuard guard(*this);
    Expr expr;
    expr.offset = lexer_.peek().offset;
    if (lexer_.accept("(")) {
      expr = condition();
      expect(")");
      return expr;
    }
    if (lexer_.accept("[")) {
      expr.form = Expr::Form::kList;
      while (!lexer_.accept("]")) {
        expr.operands.push_back(sum());
        check_count(expr.operands.size());
        if (!lexer_.at("]")) expect(",");
      }
      return grown(std::move(expr));
    }
    if (lexer_.at("%")) {
      Reference name = reference();
      expr.form = Expr::Form::kProperty;
      expr.word = std::move(name.name.text);
      expr.path = std::move(name.path);
      return expr;
    }
    const TokenKind kind = lexer_.peek().kind;
    if (kind != TokenKind::kWord && kind != TokenKind::kNumber && kind != TokenKind::kString) fail("a value");
    const Token token = lexer_.take();
    if (kind == TokenKind::kWord && !parse_literal(token)) return name_or_call(token, std::move(expr));
    expr.literal = literal(token);
    return expr;
  }

  Expr name_or_call(const Token& token, Expr expr) {
    if (!lexer_.at("(")) {
      expr.form = Expr::Form::kProperty;
      expr.path = token.text;
      return expr;
    }
    static const std::array<std::pair<std::string_view, size_t>, 5> kFunctions{
        {{"view", 2}, {"permute", 2}, {"slice", 4}, {"concat", 2}, {"multiply", 2}}};
    const auto known = std::find_if(kFunctions.begin(), kFunctions.end(),
                                    [&](const auto& function) { return function.first == token.text; });
    if (known == kFunctions.end()) {
      lexer_.fail_at(token.offset, cat(shown(token), " is no function"), "view, permute, slice, concat or multiply");
    }
    expect("(");
    expr.form = Expr::Form::kCall;
    expr.word = token.text;
    while (!lexer_.accept(")")) {
      expr.operands.push_back(sum());
      check_count(expr.operands.size());
      if (!lexer_.at(")")) expect(",");
    }
    if (expr.operands.size() != known->second) {
      lexer_.fail_at(token.offset, cat(expr.word, " takes ", known->second, " arguments, not ", expr.operands.size()));
    }
    return grown(std::move(expr));
  }

  Attribute literal(const Token& token) {
    if (auto value = parse_literal(token)) return *std::move(value);
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kNumber) {
      lexer_.fail_at(token.offset, cat("expected a value and found ", shown(token)));
    }
    lexer_.fail_at(token.offset, cat(shown(token), " is no number"));
  }

  Lexer& lexer_;
  size_t depth_ = 0;
};

}  // namespace

FileText read_file(Lexer& lexer) { return Reader(lexer).run(); }

}  // namespace graftwork::core::gpat
