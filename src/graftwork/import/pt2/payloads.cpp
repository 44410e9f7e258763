#include "graftwork/import/pt2/payloads.h"

#include <array>
#include <utility>

namespace graftwork::pt2 {
namespace {

ScalarType element_type(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, ScalarType>, 18> kTypes{{
      {"BoolStorage", ScalarType::kBool},
      {"ByteStorage", ScalarType::kByte},
      {"CharStorage", ScalarType::kChar},
      {"ShortStorage", ScalarType::kShort},
      {"IntStorage", ScalarType::kInt},
      {"LongStorage", ScalarType::kLong},
      {"HalfStorage", ScalarType::kHalf},
      {"FloatStorage", ScalarType::kFloat},
      {"DoubleStorage", ScalarType::kDouble},
      {"BFloat16Storage", ScalarType::kBFloat16},
      {"float8_e4m3fn", ScalarType::kFloat8E4M3Fn},
      {"float8_e5m2", ScalarType::kFloat8E5M2},
      {"float8_e4m3fnuz", ScalarType::kFloat8E4M3Fnuz},
      {"float8_e5m2fnuz", ScalarType::kFloat8E5M2Fnuz},
      {"float8_e8m0fnu", ScalarType::kFloat8E8M0Fnu},
      {"uint16", ScalarType::kUInt16},
      {"uint32", ScalarType::kUInt32},
      {"uint64", ScalarType::kUInt64},
  }};
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
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

}  // namespace graftwork::pt2
