#include "graftwork/place/json_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {

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
  if (!at(key).is_number_integer()) refuse(key, "is not an integer");
  return at(key).get<int64_t>();
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

nlohmann::ordered_json parse_json(const std::string& text, const std::string& what, const std::string& code) {
  nlohmann::ordered_json document = nlohmann::ordered_json::parse(text, nullptr, false);
  if (document.is_discarded()) throw Error(code + ".json", cat(what, " is not JSON"));
  return document;
}

}  // namespace graftwork
