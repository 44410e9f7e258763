#include "graftwork/data/array_record.h"

#include <algorithm>

#include "graftwork/data/npz.h"

namespace graftwork::core {

NamedArray text_array(std::string name, std::string_view text) {
  return number_array(std::move(name), DType::kU8, std::vector<char>(text.begin(), text.end()));
}

ArrayRecord::ArrayRecord(const std::filesystem::path& path) : arrays_(read_npz(path)) {}

const Array* ArrayRecord::find(std::string_view name) const {
  const auto found = std::ranges::find(arrays_, name, &NamedArray::name);
  return found == arrays_.end() ? nullptr : &found->array;
}

std::optional<std::string> ArrayRecord::text(std::string_view name) const {
  const std::optional<std::vector<char>> bytes = numbers<char>(name, DType::kU8);
  if (!bytes) return std::nullopt;
  return std::string(bytes->begin(), bytes->end());
}

}  // namespace graftwork::core
