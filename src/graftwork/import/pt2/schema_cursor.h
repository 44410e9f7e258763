// A place in a JSON document that knows its path, so that every complaint says where.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graftwork/import/pt2/schema.h"

namespace graftwork::core::pt2 {

/// Borrows the document and its parent cursor. The path is only spelled out for an error. Strings are moved out of
/// the document, so each place is read once. Everything throws Error "pt2.schema" when the document is otherwise.
class Cursor {
 public:
  explicit Cursor(nlohmann::json& root) : value_(root) {}

  /// A key that must be there.
  Cursor at(std::string_view key) const;
  /// Nothing when the key is absent or null.
  std::optional<Cursor> find(std::string_view key) const;

  int64_t integer() const;
  /// Also the strings "Infinity", "-Infinity" and "NaN".
  double number() const;
  bool boolean() const;
  std::string text() const;

  /// What an object with exactly one key holds: the tag of a union, and its content.
  std::pair<std::string_view, Cursor> tagged() const;

  template <class Read>
  auto list(Read read) const {
    nlohmann::json& array = expect(nlohmann::json::value_t::array, "a list");
    std::vector<decltype(read(*this))> out;
    out.reserve(array.size());
    for (size_t i = 0; i < array.size(); ++i) out.push_back(read(Cursor(array[i], this, {}, i)));
    return out;
  }

  template <class Read>
  auto map(Read read) const {
    nlohmann::json& object = expect(nlohmann::json::value_t::object, "an object");
    NameMap<decltype(read(*this))> out;
    for (auto entry = object.begin(); entry != object.end(); ++entry) {
      out.emplace_hint(out.end(), entry.key(), read(Cursor(entry.value(), this, entry.key(), 0)));
    }
    return out;
  }

  /// `find(key)` read by `read`, or a default.
  template <class Read>
  auto get(std::string_view key, Read read) const -> decltype(read(*this)) {
    const std::optional<Cursor> found = find(key);
    return found ? read(*found) : decltype(read(*this)){};
  }
  template <class Read>
  auto get_list(std::string_view key, Read read) const {
    return get(key, [&](const Cursor& at) { return at.list(read); });
  }
  template <class Read>
  auto get_map(std::string_view key, Read read) const {
    return get(key, [&](const Cursor& at) { return at.map(read); });
  }
  template <class Read>
  auto get_optional(std::string_view key, Read read) const {
    const std::optional<Cursor> found = find(key);
    return found ? std::optional(read(*found)) : std::nullopt;
  }

  [[noreturn]] void fail(std::string message) const;
  /// An unknown tag of the union `what`.
  [[noreturn]] void fail_tag(std::string_view what, std::string_view tag) const;

 private:
  Cursor(nlohmann::json& value, const Cursor* parent, std::string_view key, size_t index)
      : value_(value), parent_(parent), key_(key), index_(index) {}

  nlohmann::json& expect(nlohmann::json::value_t type, std::string_view what) const;
  [[noreturn]] void fail_type(std::string_view wanted) const;
  std::string path() const;

  nlohmann::json& value_;
  const Cursor* parent_ = nullptr;
  std::string_view key_;
  size_t index_ = 0;
};

}  // namespace graftwork::core::pt2
