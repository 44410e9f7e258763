#include "graftwork/ir/attribute.h"

#include <algorithm>
#include <bit>

#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

struct Printer {
  std::string operator()(std::monostate) const { return "none"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return shortest(value); }
  std::string operator()(const std::string& value) const { return quoted(value); }
  std::string operator()(DType value) const { return std::string(dtype_name(value)); }
  std::string operator()(InputRef value) const { return "$" + std::to_string(value.slot); }
  std::string operator()(RecordRef value) const { return "$" + value.name.str(); }
  std::string operator()(const std::vector<int64_t>& values) const {
    std::vector<std::string> parts;
    for (const int64_t value : values) parts.push_back(std::to_string(value));
    return "[" + join(parts) + "]";
  }
  std::string operator()(const Attribute::List& values) const {
    std::vector<std::string> parts;
    for (const Attribute& value : values) parts.push_back(value.text());
    return "[" + join(parts) + "]";
  }
};

bool by_name(const AttrMap::Entry& entry, Symbol name) { return entry.first < name; }

}  // namespace

Attribute::Attribute(List value) {
  const bool integers =
      std::all_of(value.begin(), value.end(), [](const Attribute& a) { return a.get<int64_t>() != nullptr; });
  if (!integers) {
    data_ = std::move(value);
    return;
  }
  std::vector<int64_t> numbers;
  for (const Attribute& element : value) numbers.push_back(*element.get<int64_t>());
  data_ = std::move(numbers);
}

std::string Attribute::text() const { return std::visit(Printer{}, data_); }

bool operator==(const Attribute& a, const Attribute& b) {
  const double* real_a = a.get<double>();
  const double* real_b = b.get<double>();
  if (real_a && real_b) return std::bit_cast<uint64_t>(*real_a) == std::bit_cast<uint64_t>(*real_b);
  return a.data_ == b.data_;
}

AttrMap::AttrMap(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.first, entry.second);
}

const Attribute* AttrMap::find(Symbol name) const {
  for (const Entry& entry : entries()) {
    if (entry.first == name) return &entry.second;
  }
  return nullptr;
}

void AttrMap::set(Symbol name, Attribute value) {
  std::vector<Entry>& mine = entries_.edit();
  const auto at = std::lower_bound(mine.begin(), mine.end(), name, by_name);
  if (at != mine.end() && at->first == name) {
    at->second = std::move(value);
  } else {
    mine.insert(at, {name, std::move(value)});
  }
}

void AttrMap::set_all(const AttrMap& other) {
  if (empty()) {
    *this = other;
  } else {
    for (const auto& [name, value] : other) set(name, value);
  }
}

void AttrMap::erase(Symbol name) {
  if (find(name)) std::erase_if(entries_.edit(), [&](const Entry& entry) { return entry.first == name; });
}

}  // namespace graftwork::core
