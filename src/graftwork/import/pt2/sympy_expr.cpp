#include "graftwork/import/pt2/sympy_expr.h"

#include <cctype>
#include <charconv>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::pt2 {
namespace {

using Kind = SympyExpr::Kind;

constexpr int kMaxDepth = 128;
/// Sums and products are spelled out term by term: the work grows with the square of their number.
constexpr size_t kMaxTerms = 512;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  SympyExpr parse() {
    SympyExpr expr = expression(0);
    peek();
    if (at_ < text_.size()) fail("unexpected text");
    return expr;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error("pt2.expression", cat(what, " at byte ", at_, " of the expression ", quoted(text_.substr(0, 200))),
                "exporting the model again");
  }

  /// The next character that is no space, or '\0' at the end.
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  SympyExpr expression(int depth) {
    if (depth > kMaxDepth) fail("nesting too deep");
    if (++terms_ > kMaxTerms) fail("too many terms");
    const char c = peek();
    if (c == '-' || std::isdigit(static_cast<unsigned char>(c)) != 0) return integer();
    const std::string name = identifier();
    if (!accept('(')) return {.kind = Kind::kAtom, .name = name, .args = {}};
    if (name == "Symbol" || name == "Dummy") return named(Kind::kSymbol, depth);
    if (name == "Float") return named(Kind::kAtom, depth);
    SympyExpr call{.kind = Kind::kCall, .name = name, .args = arguments(depth)};
    const bool is_integer = name == "Integer" && call.args.size() == 1 && call.args.front().kind == Kind::kInteger;
    return is_integer ? std::move(call.args.front()) : call;
  }

  SympyExpr integer() {
    SympyExpr expr;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), expr.integer);
    if (error != std::errc{}) fail("an integer that does not fit in 64 bits, or none,");
    at_ += static_cast<size_t>(end - begin);
    return expr;
  }

  /// Dotted names keep their last part.
  std::string identifier() {
    size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '.') {
        begin = at_ + 1;
      } else if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') {
        break;
      }
      ++at_;
    }
    if (begin == at_) fail("a name is missing");
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string string() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'' && !accept('\'')) fail("a string is missing");
    std::string body;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      body += text_[at_++];
    }
    if (at_ >= text_.size()) fail("a string without end");
    ++at_;
    return body;
  }

  /// Behind "Symbol(" or "Float(": the text that matters, then keywords.
  SympyExpr named(Kind kind, int depth) {
    SympyExpr expr{.kind = kind, .name = string(), .args = {}};
    // Printed graphs show it bare.
    if (!is_word(expr.name)) fail(cat(quoted(expr.name.substr(0, 40)), " is no name of a symbol"));
    while (accept(',')) {
      if (peek() != ')' && !skip_keyword(depth)) fail("a keyword is missing");
    }
    if (!accept(')')) fail("')' is missing");
    return expr;
  }

  std::vector<SympyExpr> arguments(int depth) {
    std::vector<SympyExpr> args;
    if (accept(')')) return args;
    do {
      if (!skip_keyword(depth)) args.push_back(expression(depth + 1));
    } while (accept(','));
    if (!accept(')')) fail("')' is missing");
    return args;
  }

  static bool is_word(std::string_view text) {
    const auto fits = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
             c == '+' || c == '-';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), fits);
  }

  /// Passes over `name=value`; leaves everything else where it is.
  bool skip_keyword(int depth) {
    const char first = peek();
    if (std::isalpha(static_cast<unsigned char>(first)) == 0 && first != '_') return false;
    const size_t begin = at_;
    identifier();
    if (!accept('=')) {
      at_ = begin;
      return false;
    }
    expression(depth + 1);
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t terms_ = 0;
};

/// How strongly the printed form binds: sums, products, powers, everything else.
int strength(const SympyExpr& expr) {
  if (expr.kind == Kind::kInteger) return expr.integer < 0 ? 1 : 4;
  if (expr.kind != Kind::kCall || expr.args.size() < 2) return 4;
  if (expr.name == "Add") return 1;
  if (expr.name == "Mul") return 2;
  return expr.name == "Pow" ? 3 : 4;
}

std::string wrapped(const SympyExpr& expr, int at_least) {
  return strength(expr) < at_least ? cat('(', expr.text(), ')') : expr.text();
}

}  // namespace

SympyExpr parse_sympy(std::string_view srepr) { return Parser(srepr).parse(); }

std::string SympyExpr::text() const {
  if (kind == Kind::kInteger) return std::to_string(integer);
  if (kind != Kind::kCall) return name;
  const int own = strength(*this);
  const bool infix = own < 4;
  std::vector<std::string> parts;
  for (const SympyExpr& arg : args) parts.push_back(infix ? wrapped(arg, own == 3 ? 4 : own) : arg.text());
  if (!infix) return cat(name, '(', join(parts), ')');
  return join(parts, own == 1 ? " + " : own == 2 ? "*" : "**");
}

}  // namespace graftwork::core::pt2
