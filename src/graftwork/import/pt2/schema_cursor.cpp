#include "graftwork/import/pt2/schema_cursor.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::pt2 {
namespace {

using Json = nlohmann::json;
using Type = Json::value_t;

constexpr std::string_view kHint = "exporting the model again with torch 2.9 or later, or a newer Graftwork";

std::string_view type_name(Type type) {
  switch (type) {
    case Type::null:
      return "null";
    case Type::object:
      return "an object";
    case Type::array:
      return "a list";
    case Type::string:
      return "a string";
    case Type::boolean:
      return "a boolean";
    case Type::number_integer:
    case Type::number_unsigned:
      return "an integer";
    case Type::number_float:
      return "a number";
    default:
      return "something else";
  }
}

bool is_plain_key(std::string_view key) {
  return !key.empty() &&
         std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

}  // namespace

Cursor Cursor::at(std::string_view key) const {
  Json& object = expect(Type::object, "an object");
  const auto found = object.find(key);
  if (found == object.end()) fail(cat("the key ", quoted(key), " is missing"));
  return {*found, this, key, 0};
}

std::optional<Cursor> Cursor::find(std::string_view key) const {
  Json& object = expect(Type::object, "an object");
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return Cursor(*found, this, key, 0);
}

int64_t Cursor::integer() const {
  if (value_.type() == Type::number_integer) return *value_.get_ptr<const Json::number_integer_t*>();
  if (value_.type() != Type::number_unsigned) fail_type("an integer");
  const uint64_t value = *value_.get_ptr<const Json::number_unsigned_t*>();
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    fail(cat("the integer ", value, " does not fit in 64 bits"));
  }
  return static_cast<int64_t>(value);
}

double Cursor::number() const {
  if (value_.is_number()) return value_.get<double>();
  if (const auto* word = value_.get_ptr<const std::string*>()) {
    if (*word == "Infinity") return std::numeric_limits<double>::infinity();
    if (*word == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (*word == "NaN") return std::numeric_limits<double>::quiet_NaN();
  }
  fail_type("a number");
}

bool Cursor::boolean() const { return *expect(Type::boolean, "a boolean").get_ptr<const bool*>(); }

std::string Cursor::text() const { return std::move(*expect(Type::string, "a string").get_ptr<std::string*>()); }

std::pair<std::string_view, Cursor> Cursor::tagged() const {
  Json& object = expect(Type::object, "an object with one tag");
  if (object.size() != 1) fail(cat("expected an object with exactly one tag, found one with ", object.size()));
  const auto entry = object.begin();
  const std::string_view tag = entry.key();
  return {tag, Cursor(entry.value(), this, tag, 0)};
}

Json& Cursor::expect(Type type, std::string_view what) const {
  if (value_.type() != type) fail_type(what);
  return value_;
}

void Cursor::fail(std::string message) const {
  Error error("pt2.schema", std::move(message), std::string(kHint));
  const std::string where = path();
  if (!where.empty()) error.at(where);
  throw error;
}

void Cursor::fail_tag(std::string_view what, std::string_view tag) const {
  fail(cat(quoted(tag), " is not a known kind of ", what));
}

void Cursor::fail_type(std::string_view wanted) const {
  fail(cat("expected ", wanted, ", found ", type_name(value_.type())));
}

std::string Cursor::path() const {
  if (parent_ == nullptr) return {};
  const std::string before = parent_->path();
  if (key_.data() == nullptr) return cat(before, '[', index_, ']');
  if (!is_plain_key(key_)) return cat(before, '[', quoted(key_), ']');
  return before.empty() ? std::string(key_) : cat(before, '.', key_);
}

}  // namespace graftwork::core::pt2
