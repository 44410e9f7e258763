// Words of the printed form, with their places.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace graftwork::core {

enum class TokenKind : uint8_t { kWord, kNumber, kString, kPunctuation, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< Without quotes and escapes for strings.
  size_t offset = 0;
};

/// "file:line:column" of a byte of the text.
std::string place_in(std::string_view text, std::string_view source, size_t offset);

/// Splits text into tokens on demand; `//` starts a comment. Throws Error "gir.syntax", or with another `code`, with
/// line and column.
class Lexer {
 public:
  Lexer(std::string_view text, std::string source, std::string code = "gir.syntax")
      : text_(text), source_(std::move(source)), code_(std::move(code)) {
    advance();
  }

  const Token& peek() const { return current_; }
  /// Whether the next token is this punctuation (and not a string of the same text).
  bool at(std::string_view punctuation) const;
  /// Whether it is this bare word.
  bool at_word(std::string_view word) const;
  Token take();
  bool accept_word(std::string_view word);
  bool accept(std::string_view punctuation);
  void expect(std::string_view punctuation);
  /// A bare word or a string of at most kLongestName letters.
  std::string expect_name(std::string_view what);
  /// Told of each element of a list, whatever it lists: a text has at most kMostListed.
  void count_listed();
  /// The raw text from the current token to the first `,` or `]` outside parentheses.
  std::string take_raw_dim();
  /// "file:line:column".
  std::string place(size_t offset) const { return place_in(text_, source_, offset); }
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_at(size_t offset, const std::string& message, const std::string& hint = {}) const;

 private:
  void advance();
  void read_string();

  std::string_view text_;
  std::string source_;
  std::string code_;
  size_t position_ = 0;
  size_t listed_ = 0;
  Token current_;
};

}  // namespace graftwork::core
