#include "graftwork/place/json_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {

JsonFields::JsonFields(const Json& object, std::string name, std::string code, const std::vector<std::string>& known)
    : object_(object), name_(std::move(name)), code_(std::move(code)) {
  if (!object_.is_object()) refuse(name_, "is not an object");
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error(code_ + ".key", cat(quoted(name_), " has no key ", quoted(key)), "one of " + join(known));
    }
  }
}

const JsonFields::Json* JsonFields::find(const std::string& key) const {
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

const JsonFields::Json& JsonFields::at(const std::string& key) const {
  const Json* value = find(key);
  if (!value) refuse(key, cat("is missing in ", quoted(name_)));
  return *value;
}

std::string JsonFields::text(const std::string& key, const std::optional<std::string>& fallback) const {
  if (fallback && !find(key)) return *fallback;
  if (!at(key).is_string()) refuse(key, "is not a text");
  return at(key).get<std::string>();
}

bool JsonFields::flag(const std::string& key, std::optional<bool> fallback) const {
  if (fallback && !find(key)) return *fallback;
  if (!at(key).is_boolean()) refuse(key, "is not true or false");
  return at(key).get<bool>();
}

int64_t JsonFields::integer(const std::string& key) const {
  const Json& value = at(key);
  if (!value.is_number_integer()) refuse(key, "is not an integer");
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    refuse(key, "does not fit in 64 bits");
  }
  return value.get<int64_t>();
}

double JsonFields::number(const std::string& key, double fallback) const {
  if (!find(key)) return fallback;
  if (!at(key).is_number()) refuse(key, "is not a number");
  return at(key).get<double>();
}

std::vector<std::string> JsonFields::texts(const std::string& key) const {
  std::vector<std::string> result;
  const Json* value = find(key);
  if (!value) return result;
  if (!value->is_array()) refuse(key, "is not a list of texts");
  for (const Json& entry : *value) {
    if (!entry.is_string()) refuse(key, "is not a list of texts");
    result.push_back(entry.get<std::string>());
  }
  return result;
}

std::vector<const JsonFields::Json*> JsonFields::list(const std::string& key) const {
  std::vector<const Json*> result;
  const Json* value = find(key);
  if (!value) return result;
  if (!value->is_array()) refuse(key, "is not a list");
  for (const Json& entry : *value) result.push_back(&entry);
  return result;
}

void JsonFields::refuse(const std::string& key, const std::string& what) const {
  throw Error(code_ + ".value", cat(quoted(key), " ", what));
}

double shortest_double(float value) {
  std::array<char, 32> text{};
  const char* const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double same = 0;
  std::from_chars(text.data(), end, same);
  return static_cast<float>(same) == value ? same : value;
}

nlohmann::ordered_json parse_json(const std::string& text, const std::string& what, const std::string& code) {
  // An ordered object finds a key by looking at all before it, so the number of keys has a limit too.
  constexpr size_t kMostKeys = 64;
  constexpr int kDeepest = 64;
  constexpr size_t kMostValues = size_t{1} << 20;
  const std::string bad = code + ".json";
  // The parser takes a zero byte for the end, whatever follows.
  if (text.find('\0') != std::string::npos) throw Error(bad, cat(what, " is not JSON"));
  std::vector<std::set<std::string>> keys;
  size_t values = 0;
  const auto check = [&](int depth, JsonFields::Json::parse_event_t event, JsonFields::Json& value) {
    using Event = JsonFields::Json::parse_event_t;
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= kDeepest) throw Error(bad, cat(what, " is nested deeper than ", kDeepest, " levels"));
    if (++values > kMostValues) throw Error(bad, cat(what, " holds more than ", kMostValues, " values"));
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event != Event::key) return true;
    const std::string& key = value.get_ref<const std::string&>();
    if (!keys.back().insert(key).second) throw Error(bad, cat("the key ", quoted(key), " stands twice in an object"));
    if (keys.back().size() > kMostKeys)
      throw Error(bad, cat("an object of ", what, " has more than ", kMostKeys, " keys"));
    return true;
  };
  nlohmann::ordered_json document = nlohmann::ordered_json::parse(text, check, false);
  if (document.is_discarded()) throw Error(bad, cat(what, " is not JSON"));
  return document;
}

}  // namespace graftwork::core
