// Reading objects of the recipe and of plan files: every slip is named by its key.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace graftwork::core {

/// One JSON object. All members throw Error "<code>.value" or "<code>.key" where the object is not as they want it.
class JsonFields {
 public:
  using Json = nlohmann::ordered_json;

  /// `name` says what the object is; its keys must be among `known`. The object must outlive this.
  JsonFields(const Json& object, std::string name, std::string code, const std::vector<std::string>& known);

  /// Null when the key is absent.
  const Json* find(const std::string& key) const;
  /// The value, or `fallback`; the key must be there when there is none.
  std::string text(const std::string& key, const std::optional<std::string>& fallback = std::nullopt) const;
  bool flag(const std::string& key, std::optional<bool> fallback = std::nullopt) const;
  int64_t integer(const std::string& key) const;
  double number(const std::string& key, double fallback) const;
  /// Empty when the key is absent.
  std::vector<std::string> texts(const std::string& key) const;
  std::vector<const Json*> list(const std::string& key) const;

  [[noreturn]] void refuse(const std::string& key, const std::string& what) const;

 private:
  const Json& at(const std::string& key) const;

  const Json& object_;
  std::string name_;
  std::string code_;
};

/// The double that is printed as the float's shortest decimal, where that reads back as the float; else the float.
double shortest_double(float value);

/// Parses a document. Throws Error "<code>.json", also when an object has a key twice, or nests absurdly.
nlohmann::ordered_json parse_json(const std::string& text, const std::string& what, const std::string& code);

}  // namespace graftwork::core
