#include "graftwork/ir/dim_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

namespace graftwork::core {
namespace {

constexpr double kMostExact = 9007199254740992;  // 2⁵³, below which FP64 has every whole number
constexpr int kDepthLimit = 128;

/// Reads the text of an expression and computes it; what it does not know gives NaN.
class Calculator {
 public:
  Calculator(std::string_view text, const SymbolValues& symbols) : text_(text), symbols_(symbols) {}

  double run() {
    const double value = sum(0);
    return peek() == '\0' ? value : unknown();
  }

 private:
  static double unknown() { return std::nan(""); }

  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(std::string_view token) {
    if (peek() != token[0] || !text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  double sum(int depth) {
    if (depth > kDepthLimit) return unknown();
    double value = product(depth);
    for (;;) {
      if (accept("+")) {
        value += product(depth);
      } else if (accept("-")) {
        value -= product(depth);
      } else {
        return value;
      }
    }
  }

  double product(int depth) {
    double value = power(depth);
    for (;;) {
      if (accept("//")) {
        value = std::floor(value / power(depth));
      } else if (accept("*")) {
        value *= power(depth);
      } else if (accept("/")) {
        value /= power(depth);
      } else {
        return value;
      }
    }
  }

  double power(int depth) {
    const double base = atom(depth);
    return accept("**") ? std::pow(base, atom(depth)) : base;
  }

  double atom(int depth) {
    if (accept("-")) return depth > kDepthLimit ? unknown() : -atom(depth + 1);
    if (accept("(")) {
      const double value = sum(depth + 1);
      return accept(")") ? value : unknown();
    }
    peek();
    const size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (accept("(")) return call(word, depth);
    double number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error == std::errc() && end == word.data() + word.size() && !word.empty()) return number;
    const auto known = symbols_.find(Symbol(word));
    return known == symbols_.end() ? unknown() : static_cast<double>(known->second);
  }

  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  }

  /// Behind the opening bracket.
  double call(std::string_view name, int depth) {
    std::vector<double> x;
    do x.push_back(sum(depth + 1));
    while (accept(","));
    if (!accept(")")) return unknown();
    if (x.size() == 1 && name == "floor") return std::floor(x[0]);
    if (x.size() == 1 && (name == "ceil" || name == "ceiling")) return std::ceil(x[0]);
    if (x.size() == 1 && name == "Abs") return std::abs(x[0]);
    if (x.size() == 2 && (name == "FloorDiv" || name == "CleanDiv")) return std::floor(x[0] / x[1]);
    if (x.size() == 2 && (name == "Mod" || name == "PythonMod")) return x[0] - x[1] * std::floor(x[0] / x[1]);
    const bool any_unknown = std::any_of(x.begin(), x.end(), [](double one) { return std::isnan(one); });
    if (any_unknown) return unknown();
    if (name == "Max") return *std::max_element(x.begin(), x.end());
    if (name == "Min") return *std::min_element(x.begin(), x.end());
    return unknown();
  }

  std::string_view text_;
  const SymbolValues& symbols_;
  size_t at_ = 0;
};

}  // namespace

void learn_symbols(const TensorType& declared, const TensorType& given, SymbolValues& values) {
  if (declared.rank() != given.rank()) return;
  for (size_t i = 0; i < declared.rank(); ++i) {
    const Dim& dim = declared.dims[i];
    const auto size = given.dims[i].maybe_value();
    int64_t left = 0;
    if (dim.is_static() || !size || __builtin_sub_overflow(*size, dim.offset(), &left)) continue;
    if (dim.scale() > 0 && left % dim.scale() == 0) values.emplace(dim.base(), left / dim.scale());
  }
}

std::optional<int64_t> value_of(const Dim& dim, const SymbolValues& values) {
  double value = static_cast<double>(dim.offset());
  if (!dim.is_static()) value += static_cast<double>(dim.scale()) * Calculator(dim.base().str(), values).run();
  if (!(value >= 0 && value <= kMostExact) || value != std::floor(value)) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace graftwork::core
