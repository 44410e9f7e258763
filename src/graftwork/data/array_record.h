// What a program keeps for itself in an .npz file: texts and numbers, by name.
#pragma once

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/data/array.h"

namespace graftwork::core {

/// `text` as bytes along one axis.
NamedArray text_array(std::string name, std::string_view text);

/// `numbers`, which `type` is the type of, along one axis.
template <class Number>
NamedArray number_array(std::string name, DType type, const std::vector<Number>& numbers) {
  std::vector<std::byte> bytes(numbers.size() * sizeof(Number));
  if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return {std::move(name), make_array(type, {std::ssize(numbers)}, std::move(bytes))};
}

/// The arrays of a file by name. One that is missing, or of another type or rank than is asked for, is nothing: what
/// that means, its reader says.
class ArrayRecord {
 public:
  /// Throws what read_npz does.
  explicit ArrayRecord(const std::filesystem::path& path);

  /// In the order of their names.
  const std::vector<NamedArray>& arrays() const { return arrays_; }

  /// Null where there is none.
  const Array* find(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  template <class Number>
  std::optional<std::vector<Number>> numbers(std::string_view name, DType type) const {
    const Array* array = find(name);
    if (!array || array->type != type || array->shape.size() != 1) return std::nullopt;
    std::vector<Number> numbers(array->bytes.size() / sizeof(Number));
    if (!numbers.empty()) std::memcpy(numbers.data(), array->bytes.data(), array->bytes.size());
    return numbers;
  }

 private:
  std::vector<NamedArray> arrays_;
};

}  // namespace graftwork::core
