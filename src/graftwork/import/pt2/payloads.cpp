#include "graftwork/import/pt2/payloads.h"

#include <array>
#include <utility>

#include "graftwork/import/pt2/element_types.h"

namespace graftwork::core::pt2 {
namespace {

/// As torch names storages of the types that a graph can have; kUnknown for others.
ScalarType element_type(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, DType>, 11> kTypes{{
      {"BoolStorage", DType::kBool},
      {"ByteStorage", DType::kU8},
      {"CharStorage", DType::kI8},
      {"ShortStorage", DType::kI16},
      {"IntStorage", DType::kI32},
      {"LongStorage", DType::kI64},
      {"HalfStorage", DType::kF16},
      {"FloatStorage", DType::kF32},
      {"DoubleStorage", DType::kF64},
      {"BFloat16Storage", DType::kBF16},
      {"float8_e4m3fn", DType::kF8E4M3},
  }};
  for (const auto& [known, type] : kTypes) {
    if (known == name) return scalar_type_of(type);
  }
  return ScalarType::kUnknown;
}

PayloadMeta payload(const StoredTensor& stored) {
  TensorMeta meta;
  meta.dtype = element_type(stored.element);
  meta.sizes.assign(stored.sizes.begin(), stored.sizes.end());
  meta.strides.assign(stored.strides.begin(), stored.strides.end());
  meta.storage_offset = stored.offset;
  meta.requires_grad = stored.requires_grad;
  return {.path_name = stored.key, .is_parameter = stored.is_parameter, .use_pickle = false, .tensor = std::move(meta)};
}

}  // namespace

PayloadConfig read_payloads(const Pt2Archive& archive, bool constants) {
  if (const TensorFile* file = constants ? archive.constants_file() : archive.weights_file()) {
    PayloadConfig config;
    for (const auto& [name, stored] : file->tensors()) config.emplace_hint(config.end(), name, payload(stored));
    return config;
  }
  const std::string_view text = constants ? archive.constants_config() : archive.weights_config();
  return text.empty() ? PayloadConfig{} : read_payload_config(text);
}

}  // namespace graftwork::core::pt2
