// Interned names: operators, attributes, values. Comparing two symbols compares two integers.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace graftwork::core {

/// An interned string. The table behind it only grows and is a pure cache: the numbering never shows
/// in any output, so it does not count as state. Thread-safe.
class Symbol {
 public:
  constexpr Symbol() = default;  ///< The empty string.
  Symbol(std::string_view text);
  /// Cheap for a literal: code that runs for every node may spell its names out.
  Symbol(const char* text);
  Symbol(const std::string& text) : Symbol(std::string_view(text)) {}

  const std::string& str() const;
  bool empty() const { return id_ == 0; }
  uint32_t id() const { return id_; }

  friend bool operator==(Symbol, Symbol) = default;
  /// Order of the text, so that sorted output does not depend on who interned first.
  friend std::strong_ordering operator<=>(Symbol a, Symbol b) {
    return a.id_ == b.id_ ? std::strong_ordering::equal : a.str().compare(b.str()) <=> 0;
  }

 private:
  uint32_t id_ = 0;
};

}  // namespace graftwork::core

template <>
struct std::hash<graftwork::core::Symbol> {
  size_t operator()(graftwork::core::Symbol symbol) const noexcept { return symbol.id(); }
};
