// Named constants of operators and modules.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "graftwork/base/counted.h"
#include "graftwork/base/symbol.h"
#include "graftwork/ir/type.h"

namespace graftwork::core {

/// Refers to the node's input number `slot`, where a run-time value stands inside an attribute:
/// `aten.view(%x, %s) {size=[$1, 64]}`.
struct InputRef {
  uint32_t slot = 0;
  friend bool operator==(const InputRef&, const InputRef&) = default;
};

/// Stands for the attribute `name` of the module whose body holds it: `aten.mul.Scalar(%x) {other=$scale}`.
struct RecordRef {
  Symbol name;
  friend bool operator==(const RecordRef&, const RecordRef&) = default;
};

/// A constant: none, bool, integer, float, text, element type, reference, integers, or a list.
class Attribute {
 public:
  using List = std::vector<Attribute>;
  using Data = std::variant<std::monostate, bool, int64_t, double, std::string, DType, InputRef, RecordRef,
                            std::vector<int64_t>, List>;

  Attribute() = default;
  Attribute(bool value) : data_(value) {}
  Attribute(int value) : data_(static_cast<int64_t>(value)) {}
  Attribute(int64_t value) : data_(value) {}
  Attribute(double value) : data_(value) {}
  Attribute(const char* value) : data_(std::string(value)) {}
  Attribute(std::string value) : data_(std::move(value)) {}
  Attribute(DType value) : data_(value) {}
  Attribute(InputRef value) : data_(value) {}
  Attribute(RecordRef value) : data_(value) {}
  Attribute(std::vector<int64_t> value) : data_(std::move(value)) {}
  /// A list of integers becomes integers, so that equal constants have one representation.
  Attribute(List value);

  bool is_none() const { return std::holds_alternative<std::monostate>(data_); }
  const Data& data() const { return data_; }
  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }

  /// The printed form, see docs/ir.md.
  std::string text() const;

  /// Equal when printed alike: NaN equals NaN.
  friend bool operator==(const Attribute& a, const Attribute& b);

 private:
  Data data_;
};

/// Attributes by name, in the order of their names. Cheap to copy: copies share the entries until one changes.
class AttrMap {
 public:
  using Entry = std::pair<Symbol, Attribute>;

  AttrMap() = default;
  AttrMap(std::initializer_list<Entry> entries);

  const Attribute* find(Symbol name) const;
  void set(Symbol name, Attribute value);
  /// Every entry of another map.
  void set_all(const AttrMap& other);
  void erase(Symbol name);

  bool empty() const { return entries().empty(); }
  size_t size() const { return entries().size(); }
  auto begin() const { return entries().begin(); }
  auto end() const { return entries().end(); }

  friend bool operator==(const AttrMap& a, const AttrMap& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::span<const Entry> entries() const {
    return entries_ ? std::span<const Entry>(*entries_.get()) : std::span<const Entry>();
  }

  Counted<std::vector<Entry>> entries_;
};

}  // namespace graftwork::core
