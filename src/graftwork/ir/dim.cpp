#include "graftwork/ir/dim.h"

#include <cctype>
#include <charconv>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"

namespace graftwork::core {
namespace {

int64_t floor_divide(int64_t a, int64_t b) { return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0); }

[[noreturn]] void refuse_overflow() { throw Error("ir.shape", "the size of a tensor is beyond 64 bits"); }

int64_t add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) refuse_overflow();
  return sum;
}

int64_t multiply(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) refuse_overflow();
  return product;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_base(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  int depth = 0;
  bool any_word = false;
  for (const char c : text) {
    const bool word = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
    any_word |= word;
    if (c == '(') ++depth;
    if (c == ')' && --depth < 0) return false;
    if (!word && c != '(' && c != ')' && (depth == 0 || std::string_view("+-*/ ,").find(c) == std::string_view::npos)) {
      return false;
    }
  }
  return depth == 0 && any_word;
}

}  // namespace

Dim::Dim(int64_t scale, Symbol base, int64_t offset) : scale_(scale), base_(base), offset_(offset) {
  if (scale_ == 0) base_ = Symbol();
  if (base_.str().size() > kLongestExtent) {
    throw Error("ir.shape", cat("the size of a tensor is an expression of more than ", kLongestExtent, " letters"));
  }
}

int64_t Dim::value() const {
  GRAFTWORK_ASSERT(is_static());
  return offset_;
}

std::optional<int64_t> Dim::maybe_value() const { return is_static() ? std::optional(offset_) : std::nullopt; }

Dim Dim::operator+(const Dim& other) const {
  if (other.is_static()) return Dim(scale_, base_, add(offset_, other.offset_));
  if (is_static()) return other + *this;
  if (base_ == other.base_) return Dim(add(scale_, other.scale_), base_, add(offset_, other.offset_));
  const auto [first, second] =
      text() < other.text() ? std::pair(text(), other.text()) : std::pair(other.text(), text());
  return symbol("(" + first + "+" + second + ")");
}

Dim Dim::operator*(const Dim& other) const {
  if (other.is_static()) return Dim(multiply(scale_, other.offset_), base_, multiply(offset_, other.offset_));
  if (is_static()) return other * *this;
  const auto [first, second] =
      text() < other.text() ? std::pair(text(), other.text()) : std::pair(other.text(), text());
  return symbol("((" + first + ")*(" + second + "))");
}

Dim Dim::floor_div(int64_t divisor) const {
  GRAFTWORK_ASSERT(divisor > 0);
  if (divisor == 1) return *this;
  // floor((k·d·b + o) / d) = k·b + floor(o / d)
  if (scale_ % divisor == 0) return Dim(scale_ / divisor, base_, floor_divide(offset_, divisor));
  return symbol("floor((" + text() + ")/" + std::to_string(divisor) + ")");
}

std::string Dim::text() const {
  if (is_static()) return std::to_string(offset_);
  std::string out = scale_ == 1 ? base_.str() : std::to_string(scale_) + "*" + base_.str();
  if (offset_ > 0) out += "+" + std::to_string(offset_);
  if (offset_ < 0) out += std::to_string(offset_);
  return out;
}

std::optional<Dim> Dim::parse(std::string_view text) {
  if (const auto number = parse_integer(text)) return Dim(*number);
  int64_t scale = 1;
  if (const size_t star = text.find('*'); star != std::string_view::npos) {
    if (const auto factor = parse_integer(text.substr(0, star))) {
      scale = *factor;
      text.remove_prefix(star + 1);
    }
  }
  int64_t offset = 0;
  if (const size_t sign = text.find_last_of("+-"); sign != std::string_view::npos && sign > 0) {
    std::string_view tail = text.substr(sign);
    if (tail[0] == '+') tail.remove_prefix(1);
    if (const auto number = parse_integer(tail)) {
      offset = *number;
      text = text.substr(0, sign);
    }
  }
  if (text.size() > kLongestExtent || !is_base(text) || scale == 0) return std::nullopt;
  return Dim(scale, Symbol(text), offset);
}

}  // namespace graftwork::core
