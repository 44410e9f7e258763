#include "fuzz/mutate_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <vector>

namespace graftwork::core::fuzz {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepest = 200;
constexpr std::array<int64_t, 20> kIntegers{
    INT64_MIN,        INT32_MIN,     -7,       -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 64, 1000, INT32_MAX, int64_t{1} << 33,
    int64_t{1} << 62, INT64_MAX - 1, INT64_MAX};
constexpr std::array<double, 8> kFloats{0.0, -0.0, 0.5, -1.0, 1e-300, 3.5e38, 1e300, -1e300};
constexpr std::array<const char*, 8> kTexts{"", "x", "NaN", "-1", "Integer(0)", "s77", "../x", "Mul(s77, Integer(-1))"};

std::optional<Json> parsed(const std::string& text) {
  bool is_shallow = true;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) { return is_shallow &= depth < kDeepest; };
  Json json = Json::parse(text, watch, false);
  if (json.is_discarded() || !is_shallow) return std::nullopt;
  return json;
}

/// A value within a container.
struct Place {
  Json* container;
  std::string key;  ///< Of a member; of an element, that of its list.
  size_t index;

  Json& value() const { return container->is_object() ? container->at(key) : container->at(index); }
};

std::vector<Place> places(Json& root) {
  std::vector<Place> found;
  std::vector<std::pair<Json*, std::string>> open;
  if (root.is_structured()) open.emplace_back(&root, "");  // items() gives a number as an item of itself
  while (!open.empty()) {
    const auto [container, name] = open.back();
    open.pop_back();
    size_t index = 0;
    for (auto& [key, value] : container->items()) {
      found.push_back({container, container->is_object() ? key : name, index++});
      if (value.is_structured()) open.emplace_back(&value, found.back().key);
    }
  }
  return found;
}

template <class List>
const auto& any_of(const List& list, std::minstd_rand& random) {
  return list[random() % list.size()];
}

class Mutation {
 public:
  Mutation(Json& json, Json& other, std::minstd_rand& random) : json_(json), other_(other), random_(random) {}

  void apply() {
    std::vector<Place> all = places(json_);
    if (all.empty()) return;
    const Place& place = any_of(all, random_);
    switch (random_() % 8) {
      case 0:
      case 1:
        return exchange(place, all);
      case 2: {
        const std::vector<Place> others = places(other_);
        return others.empty() ? void() : exchange(place, others);
      }
      case 3:
        return remove(place);
      case 4:
        return repeat(place);
      case 5:
        return move(place);
      default:
        return change(place.value());
    }
  }

 private:
  /// What stands in `all` under the same key takes the place.
  void exchange(const Place& place, const std::vector<Place>& all) {
    std::vector<const Place*> alike;
    for (const Place& candidate : all) {
      if (candidate.key == place.key && candidate.value().type() == place.value().type()) alike.push_back(&candidate);
    }
    const Json value = alike.empty() ? any_of(all, random_).value() : any_of(alike, random_)->value();
    place.value() = value;
  }

  static void remove(const Place& place) {
    if (place.container->is_object()) {
      place.container->erase(place.key);
    } else {
      place.container->erase(place.index);
    }
  }

  void repeat(const Place& place) {
    if (!place.container->is_array()) return change(place.value());
    const Json value = place.value();
    place.container->insert(
        place.container->begin() + static_cast<ptrdiff_t>(random_() % (place.container->size() + 1)), value);
  }

  void move(const Place& place) {
    if (!place.container->is_array()) return change(place.value());
    std::swap(place.container->at(place.index), place.container->at(random_() % place.container->size()));
  }

  void change(Json& value) {
    if (value.is_boolean()) {
      value = !value.get<bool>();
    } else if (value.is_number_integer()) {
      const uint64_t beside = value.get<uint64_t>() + random_() % 5 - 2;
      value = random_() % 4 == 0 ? static_cast<int64_t>(beside) : any_of(kIntegers, random_);
    } else if (value.is_number()) {
      value = any_of(kFloats, random_);
    } else if (value.is_string()) {
      change_text(value.get_ref<std::string&>());
    } else {
      value = nullptr;
    }
  }

  void change_text(std::string& text) {
    if (text.empty() || random_() % 3 == 0) {
      text = any_of(kTexts, random_);
    } else if (random_() % 2 == 0) {
      text[random_() % text.size()] = static_cast<char>(' ' + random_() % 95);
    } else {
      text.erase(random_() % text.size(), 1 + random_() % 8);
    }
  }

  Json& json_;
  Json& other_;
  std::minstd_rand& random_;
};

}  // namespace

std::string mutate_json(const std::string& text, const std::string& other, std::minstd_rand& random) {
  std::optional<Json> json = parsed(text);
  if (!json) return text;
  Json taken = parsed(other).value_or(Json());
  for (auto i = 1 + random() % 3; i > 0; --i) Mutation(*json, taken, random).apply();
  return json->dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace graftwork::core::fuzz
