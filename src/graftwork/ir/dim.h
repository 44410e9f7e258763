// One extent of a tensor: a number, or an expression of symbols that become known at run time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// scale · base + offset, where `base` is a size symbol ("s0") or the text of an expression that has no
/// linear form ("floor((s0+1)/2)"). Static when there is no base. Equal dims have equal fields.
class Dim {
 public:
  constexpr Dim() = default;
  Dim(int64_t value) : offset_(value) {}
  static Dim symbol(Symbol name) { return Dim(1, name, 0); }

  bool is_static() const { return base_.empty(); }
  /// The number. Throws InternalError when symbolic.
  int64_t value() const;
  std::optional<int64_t> maybe_value() const;

  /// Sums and products throw Error "ir.shape" beyond 64 bits.
  Dim operator+(const Dim& other) const;
  Dim operator-(int64_t other) const { return *this + Dim(-other); }
  Dim operator*(const Dim& other) const;
  /// floor(this / divisor), divisor > 0.
  Dim floor_div(int64_t divisor) const;

  /// The parts of `scale · base + offset`; the base is empty when static.
  int64_t scale() const { return scale_; }
  Symbol base() const { return base_; }
  int64_t offset() const { return offset_; }

  std::string text() const;
  /// Reads what `text` writes. Nothing when `text` is no dim.
  static std::optional<Dim> parse(std::string_view text);

  friend bool operator==(const Dim&, const Dim&) = default;

 private:
  Dim(int64_t scale, Symbol base, int64_t offset);

  int64_t scale_ = 0;
  Symbol base_;
  int64_t offset_ = 0;
};

}  // namespace graftwork::core
