#include "graftwork/ir/text/lexer.h"

#include <algorithm>
#include <cctype>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"

namespace graftwork::core {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c) || c == '.' || c == '-'; }

}  // namespace

std::string place_in(std::string_view text, std::string_view source, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return cat(source, ":", line, ":", before.size() - line_start + 1);
}

void Lexer::fail_at(size_t offset, const std::string& message, const std::string& hint) const {
  throw Error(code_, message, hint).at(place_in(text_, source_, offset));
}

void Lexer::fail(const std::string& message) const { fail_at(current_.offset, message); }

Token Lexer::take() {
  Token token = std::move(current_);
  advance();
  return token;
}

bool Lexer::at(std::string_view punctuation) const {
  return current_.kind == TokenKind::kPunctuation && current_.text == punctuation;
}

bool Lexer::accept(std::string_view punctuation) {
  if (!at(punctuation)) return false;
  advance();
  return true;
}

bool Lexer::at_word(std::string_view word) const { return current_.kind == TokenKind::kWord && current_.text == word; }

bool Lexer::accept_word(std::string_view word) {
  if (!at_word(word)) return false;
  advance();
  return true;
}

void Lexer::expect(std::string_view punctuation) {
  if (!accept(punctuation)) {
    const std::string found = current_.kind == TokenKind::kEnd ? "the end of the text" : "\"" + current_.text + "\"";
    fail(cat("expected \"", punctuation, "\" and found ", found));
  }
}

std::string Lexer::expect_name(std::string_view what) {
  // A path may have a part that is all digits ("features.0"); it then starts as a number token.
  if (current_.kind != TokenKind::kWord && current_.kind != TokenKind::kString && current_.kind != TokenKind::kNumber) {
    fail(cat("expected ", what));
  }
  if (current_.text.size() > kLongestName) fail(cat("a name of more than ", kLongestName, " letters"));
  return take().text;
}

void Lexer::count_listed() {
  if (++listed_ > kMostListed) fail(cat("the lists of the text have more than ", kMostListed, " elements"));
}

std::string Lexer::take_raw_dim() {
  size_t end = current_.offset;
  for (int depth = 0; end < text_.size(); ++end) {
    if (text_[end] == '(') ++depth;
    if (text_[end] == ')') --depth;
    if (depth == 0 && (text_[end] == ',' || text_[end] == ']')) break;
  }
  std::string raw(text_.substr(current_.offset, end - current_.offset));
  while (!raw.empty() && raw.back() == ' ') raw.pop_back();
  position_ = end;
  advance();
  return raw;
}

void Lexer::advance() {
  while (position_ < text_.size()) {
    if (std::isspace(static_cast<unsigned char>(text_[position_])) != 0) {
      ++position_;
    } else if (text_.substr(position_, 2) == "//") {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else {
      break;
    }
  }
  current_ = Token{TokenKind::kEnd, {}, position_};
  if (position_ == text_.size()) return;
  const char first = text_[position_];
  if (first == '"') {
    read_string();
    return;
  }
  size_t end = position_ + 1;
  const bool signed_number = first == '-' && end < text_.size() && (is_digit(text_[end]) || text_[end] == 'i');
  if (is_digit(first) || signed_number) {
    current_.kind = TokenKind::kNumber;
    while (end < text_.size() && (is_word(text_[end]) || (text_[end] == '+' && text_[end - 1] == 'e'))) ++end;
  } else if (is_word_start(first)) {
    current_.kind = TokenKind::kWord;
    while (end < text_.size() && is_word(text_[end])) ++end;
  } else {
    current_.kind = TokenKind::kPunctuation;
  }
  current_.text = text_.substr(position_, end - position_);
  position_ = end;
}

void Lexer::read_string() {
  current_.kind = TokenKind::kString;
  for (size_t i = position_ + 1; i < text_.size(); ++i) {
    if (text_[i] == '"') {
      position_ = i + 1;
      return;
    }
    if (text_[i] != '\\') {
      current_.text += text_[i];
      continue;
    }
    ++i;
    if (i >= text_.size()) break;
    if (text_[i] == 'n') {
      current_.text += '\n';
    } else if (text_[i] == 't') {
      current_.text += '\t';
    } else if (text_[i] == 'x' && i + 2 < text_.size() &&
               std::isxdigit(static_cast<unsigned char>(text_[i + 1])) != 0 &&
               std::isxdigit(static_cast<unsigned char>(text_[i + 2])) != 0) {
      current_.text += static_cast<char>(std::stoi(std::string(text_.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      current_.text += text_[i];
    }
  }
  fail_at(position_, "the string is not closed");
}

}  // namespace graftwork::core
